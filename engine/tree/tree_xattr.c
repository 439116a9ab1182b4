/* SPDX-License-Identifier: MIT
 * tree_xattr.c - see tree_xattr.h.
 */
#include "engine/tree/tree_xattr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/limits.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#include "base/xattr_rules.h"

static bool cannot_be_kept(int number)
{
	return number == EPERM || number == EOPNOTSUPP || number == EACCES;
}

/* ext4 answers ENOSPC when a file's attributes take more than a block: then the disk is
 * not full. */
static struct err *set_error(int fd, const char *name, size_t size)
{
	int number = errno;
	struct statvfs st;
	struct err *e = err_sys("xattr '%s'", name);

	if (number == E2BIG || number == ERANGE)
		return err_recode(e, ERR_CORRUPT);
	if (number != ENOSPC || fstatvfs(fd, &st) != 0 || st.f_bavail < 256)
		return e;
	err_ignore(e, "there is space");
	return err_hint(
		err_new(ERR_UNSUPPORTED,
			"xattr '%s' of %zu bytes: the cache's filesystem has no room "
			"for it next to a file",
			name, size),
		"XFS, btrfs and tmpfs have (DAGBUILD_CACHEDIR); ext4 keeps 4 KiB for "
		"each file");
}

struct err *tree_xattr_set(int fd, const char *name, const void *value, size_t size,
			   uint64_t *lost)
{
	if (fsetxattr(fd, name, value, size, 0) == 0)
		return NULL;
	if (!cannot_be_kept(errno))
		return set_error(fd, name, size);
	++*lost;
	return NULL;
}

/* The names on `fd`, each ending in NUL, for free(); none gives an empty list. */
static struct err *list_names(int fd, char **names, size_t *len)
{
	for (;;) {
		ssize_t need = flistxattr(fd, NULL, 0), got;

		*names = xmalloc(need > 0 ? (size_t)need : 1);
		*len = 0;
		if (need <= 0 && (need == 0 || errno == EOPNOTSUPP))
			return NULL;
		got = need < 0 ? -1 : flistxattr(fd, *names, (size_t)need);
		if (got >= 0) {
			*len = (size_t)got;
			return NULL;
		}
		freep(names);
		if (errno != ERANGE)
			return err_sys("list xattrs");
	}
}

static struct err *copy_one(int from_fd, int to_fd, const char *name)
{
	CLEANUP(freep) char *value = xmalloc(XATTR_SIZE_MAX);
	ssize_t size = fgetxattr(from_fd, name, value, XATTR_SIZE_MAX);
	uint64_t lost = 0;

	if (size < 0)
		return errno == ENODATA ? NULL : err_sys("xattr '%s'", name);
	return tree_xattr_set(to_fd, name, value, (size_t)size, &lost);
}

struct err *tree_xattr_copy(int from_fd, int to_fd)
{
	CLEANUP(freep) char *names = NULL;
	size_t len;

	TRY(list_names(from_fd, &names, &len));
	for (const char *name = names; name < names + len; name += strlen(name) + 1)
		if (xattr_has_use(name, XATTR_CLONE))
			TRY(copy_one(from_fd, to_fd, name));
	return NULL;
}

struct err *tree_xattr_clear(int fd)
{
	CLEANUP(freep) char *names = NULL;
	size_t len;

	TRY(list_names(fd, &names, &len));
	for (const char *name = names; name < names + len; name += strlen(name) + 1)
		if (xattr_has_use(name, XATTR_UNPACK) && fremovexattr(fd, name) != 0 &&
		    errno != ENODATA && !cannot_be_kept(errno))
			return err_sys("xattr '%s'", name);
	return NULL;
}
