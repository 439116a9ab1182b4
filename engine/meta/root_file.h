/* SPDX-License-Identifier: MIT
 * root_file.h - small files inside a root filesystem that is being built.
 *
 * Purpose:   every access is confined to the root (base/path.h): base images come from
 *            strangers and may hold links that lead anywhere.
 * Ownership: nothing is kept.
 * Threads:   any.
 * Errors:    ERR_NOTFOUND, ERR_CORRUPT (past a limit), ERR_SYS, ERR_NOSPACE.
 */
#ifndef ENGINE_META_ROOT_FILE_H
#define ENGINE_META_ROOT_FILE_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

enum root_if_exists { ROOT_REPLACE, ROOT_KEEP };

/* Write a file with exactly this mode.  A link of that name is replaced, never followed.
 */
NODISCARD struct err *root_write(int root_fd, const char *path, const char *data,
				 size_t len, mode_t mode, enum root_if_exists existing);
/* Append, or make the file with `mode`, holding `first` and the data. */
NODISCARD struct err *root_append(int root_fd, const char *path, const char *first,
				  const char *data, mode_t mode);
/* A plain file's content, at most 64 MiB; ERR_NOTFOUND when there is none. */
NODISCARD struct err *root_read(int root_fd, const char *path, struct buf *out);
/* Does anything, even a link, have that name? */
NODISCARD struct err *root_exists(int root_fd, const char *path, bool *out);
/* Make a symbolic link; a link of that name is replaced, anything else is left alone. */
NODISCARD struct err *root_link(int root_fd, const char *path, const char *target);
NODISCARD struct err *root_remove(int root_fd, const char *path);

#endif
