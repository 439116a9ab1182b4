/* SPDX-License-Identifier: MIT
 * dir.h - the entries of folders.
 *
 * Purpose:   readdir(3) without its traps: `.` and `..` are not entries, and a folder
 *            that cannot be read to its end is not taken for a shorter one.
 * Ownership: dir_closep() or closedir(3) ends a stream.
 * Threads:   a stream belongs to one thread.
 * Errors:    errno, as from opendir(3) and readdir(3).
 */
#ifndef BASE_DIR_H
#define BASE_DIR_H

#include <dirent.h>

/* The folder `name` of `dir_fd`; `flags` are O_NOFOLLOW or 0.  NULL with errno. */
DIR *dir_open(int dir_fd, const char *name, int flags);
/* The folder that `fd` is open on, from its beginning; `fd` stays the caller's, and the
 * two share their offset.  NULL with errno. */
DIR *dir_open_fd(int fd);
/* Name of the next entry, valid until the next call.  NULL at the end, with errno 0, and
 * when reading fails, with another errno: EINTR when the process was asked to end
 * (interrupt.h), so that no loop over a folder holds it up. */
const char *dir_next(DIR *dir);
/* The same without that EINTR, for code that cleans up. */
const char *dir_next_always(DIR *dir);
/* For CLEANUP(); keeps errno. */
void dir_closep(DIR **dir);

#endif
