/* SPDX-License-Identifier: MIT
 * path.c - confined lookup with openat2(2): see path.h.
 */
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/interrupt.h"
#include "base/str.h"
#include "base/vec.h"

/* A rename elsewhere while `..` is resolved gives EAGAIN: openat2(2) says to try again.
 */
static int open_as(int root_fd, const char *path, const struct open_how *how)
{
	long fd = -1;

	for (int tries = 0; tries < 64; tries++) {
		fd = syscall(SYS_openat2, root_fd, path[0] ? path : ".", how,
			     sizeof(*how));
		if (fd >= 0 || (errno != EAGAIN && !interrupt_retries()))
			break;
	}
	return (int)fd;
}

static int open_in_root(int root_fd, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.mode = flags & (O_CREAT | O_TMPFILE) & ~O_DIRECTORY ? mode : 0,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	return open_as(root_fd, path, &how);
}

static struct err *open_error(const char *path)
{
	if (errno == ENOSYS)
		return err_new(ERR_UNSUPPORTED,
			       "openat2 is missing: Linux 5.6 or later is needed");
	return err_sys("'%s'", path);
}

/* One call takes no path longer than PATH_MAX.  So a longer one is opened in parts: they
 * must be free of links and of `..`, which are relative to the root. */
static int open_part(int dir_fd, struct str part)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	CLEANUP(freep) char *text = str_dup(part);

	return open_as(dir_fd, text, &how);
}

/* Where the first part of `path` that fits one call ends: at a slash. */
static size_t first_part(const char *path)
{
	size_t end = PATH_MAX - 2;

	while (end > 0 && path[end] != '/')
		end--;
	return end;
}

static struct err *open_long(int root_fd, const char *path, int flags, mode_t mode,
			     int *out)
{
	CLEANUP(closep) int dir = -1;
	const char *rest = path + strspn(path, "/");

	while (strlen(rest) >= PATH_MAX) {
		size_t end = first_part(rest);
		int next = open_part(dir >= 0 ? dir : root_fd, str_make(rest, end));

		if (next < 0)
			return open_error(path);
		closep(&dir);
		dir = next;
		rest += end + 1;
	}
	*out = open_in_root(dir >= 0 ? dir : root_fd, rest, flags, mode);
	return *out >= 0 ? NULL : open_error(path);
}

struct err *path_open(int root_fd, const char *path, int flags, mode_t mode, int *out)
{
	int fd;

	if (strlen(path) >= PATH_MAX)
		return open_long(root_fd, path, flags, mode, out);
	fd = open_in_root(root_fd, path, flags, mode);
	if (fd < 0)
		return open_error(path);
	*out = fd;
	return NULL;
}

struct err *path_open_straight(int root_fd, const char *path, int flags, int *out)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS,
	};
	int fd = open_as(root_fd, path, &how);

	if (fd < 0)
		return open_error(path);
	*out = fd;
	return NULL;
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

struct err *path_open_parent(int root_fd, const char *path, int *dir_fd,
			     const char **name)
{
	const char *base = path_base(path);
	CLEANUP(freep) char *parent = xstrndup(path, (size_t)(base - path));

	if (base[0] == '\0' || strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
		return err_new(ERR_USAGE, "'%s' is not the name of a file in a folder",
			       path);
	TRY(path_open(root_fd, parent, O_PATH | O_DIRECTORY, 0, dir_fd));
	*name = base;
	return NULL;
}

struct err *path_mkdirs(int root_fd, const char *path, mode_t mode)
{
	CLEANUP(buf_release) struct buf sofar = BUF_INIT;
	struct str rest = str_of(path), part;

	while (rest.len > 0) {
		CLEANUP(closep) int dir = -1;
		CLEANUP(closep) int made = -1;
		const char *name = "";

		str_cut(rest, '/', &part, &rest);
		if (part.len == 0 || str_is(part, "."))
			continue;
		buf_printf(&sofar, "/%.*s", STR_ARG(part));
		if (str_is(part, ".."))
			continue;
		made = open_in_root(root_fd, buf_text(&sofar), O_PATH | O_DIRECTORY, 0);
		if (made >= 0)
			continue;
		if (errno != ENOENT)
			return open_error(buf_text(&sofar));
		TRY(path_open_parent(root_fd, buf_text(&sofar), &dir, &name));
		if (mkdirat(dir, name, mode) != 0) {
			if (errno != EEXIST)
				return err_sys("'%s'", buf_text(&sofar));
			/* A dangling link, whose target we do not make. */
			return err_new(ERR_SYS, "'%s' is a dangling link",
				       buf_text(&sofar));
		}
		if (fchmodat(dir, name, mode, 0) != 0)
			return err_sys("'%s'", buf_text(&sofar));
	}
	return NULL;
}

char *path_join(const char *a, const char *b)
{
	size_t n = strlen(a);

	while (n > 0 && a[n - 1] == '/')
		n--;
	while (*b == '/')
		b++;
	return xasprintf("%.*s/%s", (int)n, a, b);
}

char *path_clean(const char *path)
{
	struct str rest = str_of(path), part;
	struct buf out = BUF_INIT;

	while (rest.len > 0) {
		str_cut(rest, '/', &part, &rest);
		if (part.len == 0 || str_is(part, "."))
			continue;
		if (str_is(part, "..")) {
			while (out.len > 0 && out.data[out.len - 1] != '/')
				buf_truncate(&out, out.len - 1);
			if (out.len > 0)
				buf_truncate(&out, out.len - 1);
			continue;
		}
		buf_printf(&out, "/%.*s", STR_ARG(part));
	}
	if (out.len == 0)
		buf_putc(&out, '/');
	return buf_steal(&out);
}
