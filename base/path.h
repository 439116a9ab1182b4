/* SPDX-License-Identifier: MIT
 * path.h - looking up paths inside a root folder, and joining them.
 *
 * Purpose:   images and definitions come from strangers: their paths are resolved as if
 *            the root folder were `/`, so that no link and no `..` leads out (openat2(2),
 *            RESOLVE_IN_ROOT; magic links refused).
 * Ownership: opened descriptors (close-on-exec) are the caller's.
 * Threads:   any.
 * Errors:    ERR_NOTFOUND, ERR_SYS (with err_errno(): ELOOP, ENOTDIR, ...);
 *            ERR_UNSUPPORTED on kernels before 5.6.
 */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include <sys/types.h>

#include "base/err.h"

/* Open `path` inside `root_fd`; `flags` and `mode` as for openat(2).  The last component
 * is followed inside the root unless O_NOFOLLOW is given.  "" and "/" are the root.  A
 * path without links and `..` may be longer than PATH_MAX. */
NODISCARD struct err *path_open(int root_fd, const char *path, int flags, mode_t mode,
				int *out);
/* The same where no component may be a link: ELOOP. */
NODISCARD struct err *path_open_straight(int root_fd, const char *path, int flags,
					 int *out);
/* Open the folder that holds the last component of `path` (O_PATH); `*name` is that
 * component, a pointer into `path` up to its end, which has no trailing slash.  Use *at
 * calls with AT_SYMLINK_NOFOLLOW on it.  The root itself, `.` and `..` as last component:
 * ERR_USAGE. */
NODISCARD struct err *path_open_parent(int root_fd, const char *path, int *dir_fd,
				       const char **name);
/* Make folder `path` and its missing parents inside `root_fd`, each with exactly `mode`
 * (no process umask applies), owned by the caller; links on the way are followed inside
 * the root. What exists is left alone; a non-folder in the way: ENOTDIR. */
NODISCARD struct err *path_mkdirs(int root_fd, const char *path, mode_t mode);

/* "A/B" with exactly one slash between, for free(). */
char *path_join(const char *a, const char *b);
/* Lexically clean, absolute form: starts with `/`, no `.`, `..`, doubled or trailing
 * slash; `..` stops at the root.  For free(). */
char *path_clean(const char *path);
/* Last component ("" for "/"), a pointer into `path`; trailing slashes must be gone. */
const char *path_base(const char *path);

#endif
