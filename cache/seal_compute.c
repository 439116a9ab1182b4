/* SPDX-License-Identifier: MIT
 * seal_compute.c - the one walk over a layer: its seal, its identity, its size.
 *
 * Both digests are over the layer's entries in bytewise order of their paths; each file's
 * content goes in as a separate digest, so that several threads can read files.  What
 * goes in is first collected in two texts.  The content of a large file leaves a gap;
 * when there are enough gaps, several threads fill them together, and the texts are
 * hashed.  So memory and descriptors are bounded, whatever the layer holds.
 *
 * Rejected: a digest for each folder, over the digests of its entries.  It would need a
 * hasher for each folder that the walk is in, and what a script makes has no bound on
 * its depth.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/content.h"
#include "base/folder_walk.h"
#include "base/fs.h"
#include "base/inode_set.h"
#include "base/vec.h"
#include "base/xattr_rules.h"
#include "cache/seal.h"
#include "cache/seal_private.h"
#include "cache/store_private.h"

/* Part of every identity: raise it when what goes in changes, and STORE_FORMAT (store.h)
 * with it. */
static const char IDENTITY_FORMAT[] = "dagbuild layer 1";

enum {
	XATTRS_MAX = 64 << 10,
	CONTENT_SIZE = 8 + sizeof(((struct digest *)0)->bytes), /* of a gap */
	GAPS_MAX = 64,						/* each is an open file */
	TEXT_MAX = 256 << 10,	/* bytes of the texts before they are hashed */
	LARGE_SIZE = 128 << 10, /* bytes of a file that is worth another thread */
};

/* A file whose content is still to be read. */
struct gap {
	int fd;
	char *path;
	size_t at_seal, at_tree; /* offsets in the texts */
};

struct text {
	struct hasher *hasher; /* NULL: not wanted */
	struct buf bytes;      /* not hashed yet */
};

struct reading {
	const struct seal_request *request;
	struct text seal, tree;
	VEC(struct gap) gaps;
	struct content_reader reader; /* of small files */
	struct folder_walk walk;
	struct inode_set inodes;
	struct size_limit limit;
	struct usage usage;
	size_t met; /* names so far */
};

static void release_gaps(struct reading *r)
{
	for (size_t i = 0; i < r->gaps.len; i++) {
		close(r->gaps.items[i].fd);
		free(r->gaps.items[i].path);
	}
	r->gaps.len = 0;
}

static void reading_release(struct reading *r)
{
	release_gaps(r);
	vec_free(&r->gaps);
	hasher_free(r->seal.hasher);
	hasher_free(r->tree.hasher);
	buf_release(&r->seal.bytes);
	buf_release(&r->tree.bytes);
	content_reader_release(&r->reader);
	folder_walk_release(&r->walk);
	inode_set_release(&r->inodes);
}

/* ---- texts ---- */

static void encode_u64(unsigned char *out, uint64_t value)
{
	for (int i = 0; i < 8; i++)
		out[i] = (unsigned char)(value >> (8 * i));
}

static void put_u64(struct text *t, uint64_t value)
{
	unsigned char bytes[8];

	encode_u64(bytes, value);
	if (t->hasher)
		buf_append(&t->bytes, bytes, sizeof(bytes));
}

/* With the length first: neighbours cannot run into one another. */
static void put(struct text *t, const void *data, size_t len)
{
	put_u64(t, len);
	if (t->hasher)
		buf_append(&t->bytes, data, len);
}

static void put_str(struct text *t, const char *text)
{
	put(t, text, strlen(text));
}

static void hash_text(struct text *t)
{
	if (t->hasher && t->bytes.len > 0)
		hasher_update(t->hasher, t->bytes.data, t->bytes.len);
	buf_clear(&t->bytes);
}

/* ---- contents ---- */

static struct content_reader reader_of(const struct seal_request *request)
{
	/* Without an identity, the digest only has to find damage. */
	return (struct content_reader){
		.secret = request->has_name ? store_secret(request->store) : NULL,
		.stop = request->stop,
	};
}

static void encode(const struct content *content, unsigned char *out)
{
	encode_u64(out, content->size);
	memcpy(out + 8, content->blocks.bytes, CONTENT_SIZE - 8);
}

static struct err *fill_gap(void *context, size_t index, const struct parallel *own)
{
	struct reading *r = context;
	struct gap *gap = &r->gaps.items[index];
	CLEANUP(content_reader_release)
	struct content_reader reader = reader_of(r->request);
	unsigned char bytes[CONTENT_SIZE];
	struct content content;

	(void)own; /* one thread reads a file */
	TRY(err_wrap(content_read(&reader, gap->fd, -1, &content), "'%s'", gap->path));
	encode(&content, bytes);
	memcpy(r->seal.bytes.data + gap->at_seal, bytes, sizeof(bytes));
	if (r->tree.hasher)
		memcpy(r->tree.bytes.data + gap->at_tree, bytes, sizeof(bytes));
	return NULL;
}

/* Fill the gaps, and hash the texts so far. */
static struct err *catch_up(struct reading *r)
{
	const struct parallel *parallel = &r->request->parallel;

	if (r->gaps.len > 0)
		TRY(parallel->each(parallel->self, r->gaps.len, fill_gap, r));
	release_gaps(r);
	hash_text(&r->seal);
	hash_text(&r->tree);
	return NULL;
}

static void put_content(struct reading *r, const unsigned char *bytes)
{
	buf_append(&r->seal.bytes, bytes, CONTENT_SIZE);
	if (r->tree.hasher)
		buf_append(&r->tree.bytes, bytes, CONTENT_SIZE);
}

static struct err *add_content(struct reading *r, int dir_fd, const char *name,
			       off_t size)
{
	CLEANUP(closep) int fd = -1;
	unsigned char bytes[CONTENT_SIZE] = {0};
	struct content content;
	struct gap gap;

	TRY(fs_open(dir_fd, name, O_RDONLY | O_NOFOLLOW, 0, &fd));
	if (r->request->parallel.each && size >= LARGE_SIZE) {
		gap = (struct gap){steal_fd(&fd), folder_walk_path_of(&r->walk, name),
				   r->seal.bytes.len, r->tree.bytes.len};
		vec_push(&r->gaps, gap);
	} else {
		TRY(content_read(&r->reader, fd, -1, &content));
		encode(&content, bytes);
	}
	put_content(r, bytes);
	return NULL;
}

/* ---- attributes ---- */

struct names {
	VEC(char *) v;
};

static void names_release(struct names *n)
{
	for (size_t i = 0; i < n->v.len; i++)
		free(n->v.items[i]);
	vec_free(&n->v);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static struct err *list_attributes(const char *path, const char *name, struct names *out)
{
	char small[1024];
	CLEANUP(freep) char *big = NULL;
	char *text = small;
	ssize_t n = llistxattr(path, small, sizeof(small));

	if (n < 0 && errno == ERANGE) {
		text = big = xmalloc(XATTRS_MAX);
		n = llistxattr(path, big, XATTRS_MAX);
	}
	if (n < 0)
		return errno == ENOTSUP ? NULL : err_sys("attributes of '%s'", name);
	for (const char *p = text; p < text + n; p += strlen(p) + 1)
		if (xattr_has_use(p, XATTR_SEAL))
			vec_push(&out->v, xstrdup(p));
	if (out->v.len > 0)
		qsort(out->v.items, out->v.len, sizeof(*out->v.items), compare);
	return NULL;
}

static struct err *add_attribute(struct reading *r, const char *path, const char *name)
{
	CLEANUP(freep) char *value = xmalloc(XATTRS_MAX);
	ssize_t n = lgetxattr(path, name, value, XATTRS_MAX);
	size_t size = (size_t)n;

	if (n < 0)
		return err_sys("attribute '%s'", name);
	put_str(&r->seal, name);
	put(&r->seal, value, size);
	if (xattr_has_use(name, XATTR_IDENTITY) &&
	    xattr_make_portable(name, value, &size)) {
		put_str(&r->tree, name);
		put(&r->tree, value, size);
	}
	/* One file may have many thousands of attributes. */
	return r->seal.bytes.len >= TEXT_MAX ? catch_up(r) : NULL;
}

/* What counts in the identity is sealed, too: the table's test checks that. */
static struct err *add_attributes(struct reading *r, int dir_fd, const char *name)
{
	char path[SEAL_PATH_SIZE];
	struct names found = {0};
	struct err *e;

	seal_path(dir_fd, name, path);
	e = list_attributes(path, name, &found);
	for (size_t i = 0; !e && i < found.v.len; i++)
		e = add_attribute(r, path, found.v.items[i]);
	names_release(&found);
	/* No attribute has an empty name: here they end. */
	put_str(&r->tree, "");
	return e;
}

/* ---- entries ---- */

static bool is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == 0;
}

static void seal_stat(struct reading *r, const struct stat *st)
{
	put_u64(&r->seal, st->st_mode);
	put_u64(&r->seal, st->st_uid);
	put_u64(&r->seal, st->st_gid);
	put_u64(&r->seal, st->st_rdev);
	put_u64(&r->seal, (uint64_t)st->st_mtim.tv_sec);
	put_u64(&r->seal, (uint64_t)st->st_mtim.tv_nsec);
}

/* We run inside the namespace, so these are the owners that the container sees. */
static void identify_stat(struct reading *r, const struct stat *st)
{
	put_u64(&r->tree, st->st_mode);
	put_u64(&r->tree, st->st_uid);
	put_u64(&r->tree, st->st_gid);
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)) {
		put_u64(&r->tree, major(st->st_rdev));
		put_u64(&r->tree, minor(st->st_rdev));
	}
}

static struct err *add_link(struct reading *r, int dir_fd, const char *name)
{
	char target[4096];
	ssize_t n = readlinkat(dir_fd, name, target, sizeof(target));

	if (n < 0)
		return err_sys("'%s'", name);
	put(&r->seal, target, (size_t)n);
	put(&r->tree, target, (size_t)n);
	return NULL;
}

static struct err *enter(struct reading *r, int dir_fd, const char *name)
{
	TRY(folder_walk_enter(&r->walk, dir_fd, name));
	put_u64(&r->seal, folder_walk_count(&r->walk));
	put_u64(&r->tree, folder_walk_count(&r->walk));
	return NULL;
}

/* Is it another name of a file that was met already?  The number of links does not count:
 * overlayfs links a whiteout to others of its own, for a while. */
static bool is_met(struct reading *r, const struct stat *st)
{
	size_t met = 0;

	r->met++;
	if (!S_ISDIR(st->st_mode) && st->st_nlink > 1)
		met = inode_set_meet(&r->inodes, st, r->met);
	put_u64(&r->seal, met);
	/* Which whiteouts share an inode is up to overlayfs. */
	put_u64(&r->tree, is_whiteout(st) ? 0 : met);
	return met > 0;
}

static void count(struct reading *r, const struct stat *st)
{
	r->usage.bytes += (uint64_t)st->st_blocks * 512;
	r->usage.files++;
}

static struct err *add_met_first(struct reading *r, int dir_fd, const char *name,
				 const struct stat *st)
{
	seal_stat(r, st);
	/* Nobody sees its owner and mode. */
	if (is_whiteout(st))
		return NULL;
	if (S_ISREG(st->st_mode))
		TRY(size_limit_add(&r->limit, (uint64_t)st->st_size));
	identify_stat(r, st);
	TRY(add_attributes(r, dir_fd, name));
	if (S_ISREG(st->st_mode))
		return add_content(r, dir_fd, name, st->st_size);
	if (S_ISLNK(st->st_mode))
		return add_link(r, dir_fd, name);
	return S_ISDIR(st->st_mode) ? enter(r, dir_fd, name) : NULL;
}

/* Everything about an entry except its name; the walk enters a folder. */
static struct err *add_entry(struct reading *r, int dir_fd, const char *name)
{
	struct stat st;
	bool was_met;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return err_sys("stat");
	was_met = is_met(r, &st);
	/* In the place of a mode, which is a larger number than the length of this
	 * text. */
	if (is_whiteout(&st))
		put_str(&r->tree, "whiteout");
	if (was_met)
		return NULL;
	count(r, &st);
	return add_met_first(r, dir_fd, name, &st);
}

static struct err *add_next(struct reading *r)
{
	size_t depth = folder_walk_depth(&r->walk);
	const char *name;

	TRY(folder_walk_next(&r->walk, &name));
	if (!name)
		return folder_walk_leave(&r->walk);
	put_str(&r->seal, name);
	put_str(&r->tree, name);
	TRY(folder_walk_blame(&r->walk, depth, name,
			      add_entry(r, folder_walk_fd(&r->walk), name)));
	return r->gaps.len >= GAPS_MAX || r->seal.bytes.len >= TEXT_MAX ? catch_up(r)
									: NULL;
}

static struct err *add_all(struct reading *r, int dir_fd, const char *name)
{
	put_str(&r->tree, IDENTITY_FORMAT);
	TRY(add_entry(r, dir_fd, name));
	while (folder_walk_is_inside(&r->walk))
		TRY(add_next(r));
	return catch_up(r);
}

struct err *seal_compute(const struct seal_request *request, struct seal *out)
{
	CLEANUP(reading_release)
	struct reading r = {
		.request = request,
		.seal.hasher = hasher_new(DIGEST_XXH3, store_secret(request->store)),
		.tree.hasher = request->has_name ? NULL : hasher_new(DIGEST_SHA256, NULL),
		.reader = reader_of(request),
		.walk = {.stop = request->stop},
		.inodes = INODE_SET_INIT,
		.limit = {.max = request->max_file},
	};

	TRY(add_all(&r, request->dir_fd, request->name));
	*out = (struct seal){.version = SEAL_VERSION,
			     .digest = hasher_final(r.seal.hasher),
			     .usage = r.usage};
	if (r.tree.hasher)
		out->tree = hasher_final(r.tree.hasher);
	return NULL;
}
