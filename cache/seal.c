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

#include "base/dir.h"
#include "base/fs.h"
#include "base/inode_set.h"
#include "base/vec.h"
#include "cache/store_private.h"

static const char ATTRIBUTE[] = "user.overlay.seal";
static const uint64_t FILE_MAX = UINT64_C(1) << 50; /* bytes */

enum {
	SEAL_VERSION = 1,
	SEAL_SIZE = 1 + 16 + 8 + 8, /* version, XXH3 digest, bytes, files */
	XATTRS_MAX = 64 << 10,
	PROC_PATH_SIZE = 32 + 256,
};

/* ---- looking ---- */

struct look {
	const struct store *store;
	struct hasher *hasher;
	struct inode_set inodes;
	struct usage usage;
	size_t met; /* names so far */
};

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

/* Sorted: folders give their names in any order. */
static struct err *list(int fd, struct names *out)
{
	CLEANUP(dir_closep) DIR *dir = dir_open_fd(fd);
	const char *name;

	if (!dir)
		return err_sys("read a folder");
	while ((name = dir_next(dir)) != NULL)
		vec_push(&out->v, xstrdup(name));
	if (errno != 0)
		return err_sys("read a folder");
	if (out->v.len > 0)
		qsort(out->v.items, out->v.len, sizeof(*out->v.items), compare);
	return NULL;
}

/* Those that an image or overlayfs may want; labels of this host's security modules come
 * and go. */
static bool attribute_counts(const char *name)
{
	return strcmp(name, ATTRIBUTE) != 0 && (strncmp(name, "user.", 5) == 0 ||
						strcmp(name, "security.capability") == 0);
}

/* A path that lgetxattr(2) takes, which has no form for a descriptor and a name. */
static void proc_path(int dir_fd, const char *name, char *out)
{
	snprintf(out, PROC_PATH_SIZE, "/proc/self/fd/%d/%s", dir_fd, name);
}

static struct err *add_attribute(struct look *l, const char *path, const char *name)
{
	CLEANUP(freep) char *value = xmalloc(XATTRS_MAX);
	ssize_t n = lgetxattr(path, name, value, XATTRS_MAX);

	if (n < 0)
		return err_sys("attribute '%s'", name);
	hasher_add_str(l->hasher, name);
	hasher_add(l->hasher, value, (size_t)n);
	return NULL;
}

static struct err *add_attributes(struct look *l, int dir_fd, const char *name)
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
		if (attribute_counts(p))
			vec_push(&found.v, xstrdup(p));
	if (found.v.len > 0)
		qsort(found.v.items, found.v.len, sizeof(*found.v.items), compare);
	for (size_t i = 0; !e && i < found.v.len; i++)
		e = add_attribute(l, path, found.v.items[i]);
	names_release(&found);
	return e;
}

static void add_stat(struct look *l, const struct stat *st)
{
	hasher_add_u64(l->hasher, st->st_mode);
	hasher_add_u64(l->hasher, st->st_uid);
	hasher_add_u64(l->hasher, st->st_gid);
	hasher_add_u64(l->hasher, st->st_rdev);
	hasher_add_u64(l->hasher, (uint64_t)st->st_mtim.tv_sec);
	hasher_add_u64(l->hasher, (uint64_t)st->st_mtim.tv_nsec);
}

static struct err *add_content(struct look *l, int dir_fd, const char *name)
{
	CLEANUP(closep) int fd = -1;
	struct digest content;
	uint64_t size = 0;

	TRY(fs_open(dir_fd, name, O_RDONLY | O_NOFOLLOW, 0, &fd));
	TRY(err_wrap(digest_fd(fd, FILE_MAX, DIGEST_XXH3, store_secret(l->store),
			       &content, &size),
		     "'%s'", name));
	hasher_add_u64(l->hasher, size);
	hasher_add(l->hasher, content.bytes, sizeof(content.bytes));
	return NULL;
}

static struct err *add_link(struct look *l, int dir_fd, const char *name)
{
	char target[4096];
	ssize_t n = readlinkat(dir_fd, name, target, sizeof(target));

	if (n < 0)
		return err_sys("'%s'", name);
	hasher_add(l->hasher, target, (size_t)n);
	return NULL;
}

static struct err *look_at(struct look *l, int dir_fd, const char *name);

/* The recursion is as deep as the layer, which unpacking and path lengths limit. */
// NOLINTNEXTLINE(misc-no-recursion)
static struct err *look_into(struct look *l, int dir_fd, const char *name)
{
	CLEANUP(names_release) struct names names = {0};
	CLEANUP(closep) int fd = -1;

	TRY(fs_open(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &fd));
	TRY(list(fd, &names));
	hasher_add_u64(l->hasher, names.v.len);
	for (size_t i = 0; i < names.v.len; i++) {
		hasher_add_str(l->hasher, names.v.items[i]);
		TRY(look_at(l, fd, names.v.items[i]));
	}
	return NULL;
}

// NOLINTNEXTLINE(misc-no-recursion)
static struct err *look_at(struct look *l, int dir_fd, const char *name)
{
	struct stat st;
	size_t met = 0;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return err_sys("'%s'", name);
	/* Not counted in links: overlayfs links a whiteout to others of its own, for a while. */
	l->met++;
	if (!S_ISDIR(st.st_mode) && st.st_nlink > 1)
		met = inode_set_meet(&l->inodes, &st, l->met);
	hasher_add_u64(l->hasher, met);
	if (met > 0)
		return NULL;
	l->usage.bytes += (uint64_t)st.st_blocks * 512;
	l->usage.files++;
	add_stat(l, &st);
	TRY(add_attributes(l, dir_fd, name));
	if (S_ISDIR(st.st_mode))
		return look_into(l, dir_fd, name);
	if (S_ISREG(st.st_mode))
		return add_content(l, dir_fd, name);
	if (S_ISLNK(st.st_mode))
		return add_link(l, dir_fd, name);
	return NULL;
}

struct err *seal_compute(const struct store *s, int dir_fd, const char *name,
			 struct seal *out)
{
	CLEANUP(hasher_freep) struct hasher *h = hasher_new(DIGEST_XXH3, store_secret(s));
	struct look l = {.store = s, .hasher = h, .inodes = INODE_SET_INIT};
	struct err *e = look_at(&l, dir_fd, name);

	inode_set_release(&l.inodes);
	out->digest = hasher_final(h);
	out->usage = l.usage;
	return err_wrap(e, "layer '%s'", name);
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

struct err *seal_make(const struct store *s, int dir_fd, const char *name)
{
	unsigned char data[SEAL_SIZE] = {SEAL_VERSION};
	char path[PROC_PATH_SIZE];
	struct seal seal;

	TRY(seal_compute(s, dir_fd, name, &seal));
	memcpy(data + 1, seal.digest.bytes, 16);
	put_u64(data + 17, seal.usage.bytes);
	put_u64(data + 25, seal.usage.files);
	proc_path(dir_fd, name, path);
	if (lsetxattr(path, ATTRIBUTE, data, sizeof(data), 0) != 0)
		return err_sys("seal of layer '%s'", name);
	return NULL;
}

struct err *seal_read(int dir_fd, const char *name, struct seal *out)
{
	unsigned char data[SEAL_SIZE];
	char path[PROC_PATH_SIZE];

	proc_path(dir_fd, name, path);
	if (lgetxattr(path, ATTRIBUTE, data, sizeof(data)) != (ssize_t)sizeof(data) ||
	    data[0] != SEAL_VERSION)
		return err_new(ERR_NOTFOUND, "layer '%s' has no seal", name);
	*out = (struct seal){.digest.kind = DIGEST_XXH3};
	memcpy(out->digest.bytes, data + 1, 16);
	out->usage.bytes = get_u64(data + 17);
	out->usage.files = get_u64(data + 25);
	return NULL;
}
