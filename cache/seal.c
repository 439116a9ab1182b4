/* SPDX-License-Identifier: MIT
 * seal.c - see seal.h.
 *
 * Reading a layer once more when it is published costs little: it was just written, and
 * lies in memory.  A digest made later, at the first `cache verify`, would take damage
 * for the truth.
 */
#include "cache/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/content.h"
#include "base/folder_walk.h"
#include "base/fs.h"
#include "base/inode_set.h"
#include "base/vec.h"
#include "base/xattr_rules.h"
#include "cache/store_private.h"

static const char ATTRIBUTE[] = "user.overlay.seal";

enum {
	/* 1: contents with their holes; 2: contents in XXH3, no access control lists. */
	SEAL_VERSION = 3,
	SEAL_SIZE = 1 + 16 + 8 + 8, /* version, XXH3 digest, bytes, files */
	XATTRS_MAX = 64 << 10,
	PROC_PATH_SIZE = 32 + 256,
};

/* ---- looking ---- */

struct sealing {
	struct hasher *hasher;
	struct content_reader reader;
	struct folder_walk walk;
	struct inode_set inodes;
	struct size_limit limit;
	struct usage usage;
	size_t met; /* names so far */
};

static void sealing_release(struct sealing *l)
{
	hasher_free(l->hasher);
	content_reader_release(&l->reader);
	folder_walk_release(&l->walk);
	inode_set_release(&l->inodes);
}

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

/* A path that lgetxattr(2) takes, which has no form for a descriptor and a name. */
static void proc_path(int dir_fd, const char *name, char *out)
{
	snprintf(out, PROC_PATH_SIZE, "/proc/self/fd/%d/%s", dir_fd, name);
}

static struct err *add_attribute(struct sealing *l, const char *path, const char *name)
{
	CLEANUP(freep) char *value = xmalloc(XATTRS_MAX);
	ssize_t n = lgetxattr(path, name, value, XATTRS_MAX);

	if (n < 0)
		return err_sys("attribute '%s'", name);
	hasher_add_str(l->hasher, name);
	hasher_add(l->hasher, value, (size_t)n);
	return NULL;
}

static struct err *add_attributes(struct sealing *l, int dir_fd, const char *name)
{
	char path[PROC_PATH_SIZE], small[1024];
	CLEANUP(freep) char *big = NULL;
	char *text = small;
	struct names found = {0};
	struct err *e = NULL;
	ssize_t n;

	proc_path(dir_fd, name, path);
	n = llistxattr(path, small, sizeof(small));
	if (n < 0 && errno == ERANGE) {
		text = big = xmalloc(XATTRS_MAX);
		n = llistxattr(path, big, XATTRS_MAX);
	}
	if (n < 0)
		return errno == ENOTSUP ? NULL : err_sys("attributes of '%s'", name);
	for (const char *p = text; p < text + n; p += strlen(p) + 1)
		if (xattr_has_use(p, XATTR_SEAL))
			vec_push(&found.v, xstrdup(p));
	if (found.v.len > 0)
		qsort(found.v.items, found.v.len, sizeof(*found.v.items), compare);
	for (size_t i = 0; !e && i < found.v.len; i++)
		e = add_attribute(l, path, found.v.items[i]);
	names_release(&found);
	return e;
}

static void add_stat(struct sealing *l, const struct stat *st)
{
	hasher_add_u64(l->hasher, st->st_mode);
	hasher_add_u64(l->hasher, st->st_uid);
	hasher_add_u64(l->hasher, st->st_gid);
	hasher_add_u64(l->hasher, st->st_rdev);
	hasher_add_u64(l->hasher, (uint64_t)st->st_mtim.tv_sec);
	hasher_add_u64(l->hasher, (uint64_t)st->st_mtim.tv_nsec);
}

static struct err *add_content(struct sealing *l, int dir_fd, const char *name)
{
	CLEANUP(closep) int fd = -1;
	struct content content;

	TRY(fs_open(dir_fd, name, O_RDONLY | O_NOFOLLOW, 0, &fd));
	TRY(content_read(&l->reader, fd, -1, &content));
	content_add(l->hasher, &content);
	return NULL;
}

static struct err *add_link(struct sealing *l, int dir_fd, const char *name)
{
	char target[4096];
	ssize_t n = readlinkat(dir_fd, name, target, sizeof(target));

	if (n < 0)
		return err_sys("'%s'", name);
	hasher_add(l->hasher, target, (size_t)n);
	return NULL;
}

/* What an entry is but for its name; the walk enters a folder. */
static struct err *look_at(struct sealing *l, int dir_fd, const char *name)
{
	struct stat st;
	size_t met = 0;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return err_sys("stat");
	/* Not counted in links: overlayfs links a whiteout to others of its own, for a while. */
	l->met++;
	if (!S_ISDIR(st.st_mode) && st.st_nlink > 1)
		met = inode_set_meet(&l->inodes, &st, l->met);
	hasher_add_u64(l->hasher, met);
	if (met > 0)
		return NULL;
	l->usage.bytes += (uint64_t)st.st_blocks * 512;
	l->usage.files++;
	if (S_ISREG(st.st_mode))
		TRY(size_limit_add(&l->limit, (uint64_t)st.st_size));
	add_stat(l, &st);
	TRY(add_attributes(l, dir_fd, name));
	if (S_ISREG(st.st_mode))
		return add_content(l, dir_fd, name);
	if (S_ISLNK(st.st_mode))
		return add_link(l, dir_fd, name);
	if (!S_ISDIR(st.st_mode))
		return NULL;
	TRY(folder_walk_enter(&l->walk, dir_fd, name));
	hasher_add_u64(l->hasher, folder_walk_count(&l->walk));
	return NULL;
}

static struct err *look_at_next(struct sealing *l)
{
	size_t depth = folder_walk_depth(&l->walk);
	const char *name;

	TRY(folder_walk_next(&l->walk, &name));
	if (!name)
		return folder_walk_leave(&l->walk);
	hasher_add_str(l->hasher, name);
	return folder_walk_blame(&l->walk, depth, name,
				 look_at(l, folder_walk_fd(&l->walk), name));
}

static struct err *look_at_all(struct sealing *l, int dir_fd, const char *name)
{
	TRY(look_at(l, dir_fd, name));
	while (folder_walk_is_inside(&l->walk))
		TRY(look_at_next(l));
	return NULL;
}

struct err *seal_compute(const struct seal_request *request, struct seal *out)
{
	CLEANUP(sealing_release)
	struct sealing l = {
		.hasher = hasher_new(DIGEST_XXH3, store_secret(request->store)),
		.reader = {.stop = request->stop},
		.walk = {.stop = request->stop},
		.inodes = INODE_SET_INIT,
		.limit = {.max = request->max_file},
	};

	TRY(look_at_all(&l, request->dir_fd, request->name));
	*out = (struct seal){SEAL_VERSION, hasher_final(l.hasher), l.usage};
	return NULL;
}

/* ---- writing it down ---- */

static void put_u64(unsigned char *out, uint64_t value)
{
	for (int i = 0; i < 8; i++)
		out[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t get_u64(const unsigned char *from)
{
	uint64_t value = 0;

	for (int i = 7; i >= 0; i--)
		value = value << 8 | from[i];
	return value;
}

struct err *seal_make(const struct seal_request *request)
{
	unsigned char data[SEAL_SIZE] = {SEAL_VERSION};
	char path[PROC_PATH_SIZE];
	struct seal seal;

	TRY(seal_compute(request, &seal));
	memcpy(data + 1, seal.digest.bytes, 16);
	put_u64(data + 17, seal.usage.bytes);
	put_u64(data + 25, seal.usage.files);
	proc_path(request->dir_fd, request->name, path);
	if (lsetxattr(path, ATTRIBUTE, data, sizeof(data), 0) != 0)
		return err_sys("seal of layer '%s'", request->name);
	return NULL;
}

struct err *seal_read(int dir_fd, const char *name, struct seal *out)
{
	unsigned char data[SEAL_SIZE];
	char path[PROC_PATH_SIZE];

	proc_path(dir_fd, name, path);
	if (lgetxattr(path, ATTRIBUTE, data, sizeof(data)) != (ssize_t)sizeof(data) ||
	    data[0] == 0 || data[0] > SEAL_VERSION)
		return err_new(ERR_NOTFOUND, "layer '%s' has no seal", name);
	*out = (struct seal){.version = data[0], .digest.kind = DIGEST_XXH3};
	memcpy(out->digest.bytes, data + 1, 16);
	out->usage.bytes = get_u64(data + 17);
	out->usage.files = get_u64(data + 25);
	return NULL;
}

bool seal_is_comparable(const struct seal *seal)
{
	return seal->version == SEAL_VERSION;
}
