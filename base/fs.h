/* SPDX-License-Identifier: MIT
 * fs.h - files: bounded reading, publishing by rename, removing trees.
 *
 * Purpose:   raw opening and writing are here, so that all code above gets errors with
 *            the path in them.
 * Ownership: descriptors it returns are the caller's and close-on-exec.
 * Threads:   any; paths are relative to a folder's descriptor, never to the process's
 *            folder.
 * Errors:    ERR_NOTFOUND, ERR_EXISTS, ERR_NOSPACE, ERR_CORRUPT (past a limit), ERR_SYS.
 */
#ifndef BASE_FS_H
#define BASE_FS_H

#include <sys/stat.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/* openat(2) with O_CLOEXEC.  `dir_fd` may be AT_FDCWD. */
NODISCARD struct err *fs_open(int dir_fd, const char *path, int flags, mode_t mode,
			      int *out);
/* Read the rest of `fd` into `out`; more than `max` bytes: ERR_CORRUPT. */
NODISCARD struct err *fs_read_fd(int fd, size_t max, struct buf *out);
/* Read exactly `len` bytes from where `fd` stands; ERR_CORRUPT when there are fewer. */
NODISCARD struct err *fs_read_exact(int fd, void *out, size_t len);
NODISCARD struct err *fs_read_file(int dir_fd, const char *path, size_t max,
				   struct buf *out);
/* "a folder", "a fifo", "a device" ... of an inode's mode, for messages. */
const char *fs_kind_name(mode_t mode);
/* openat(2) for reading what must be a regular file: a fifo or device gives ERR_USAGE,
 * without waiting for it. */
NODISCARD struct err *fs_open_regular(int dir_fd, const char *path, int *out);
/* As fs_read_file(), but opens with fs_open_regular(). */
NODISCARD struct err *fs_read_regular(int dir_fd, const char *path, size_t max,
				      struct buf *out);
/* Write all of `data`, however often write(2) stops short. */
NODISCARD struct err *fs_write_all(int fd, const void *data, size_t len);
NODISCARD struct err *fs_pwrite_all(int fd, const void *data, size_t len,
				    uint64_t offset);
/* Make `path` and its missing parents (not confined to a root: for our own folders). */
NODISCARD struct err *fs_mkdirs(int dir_fd, const char *path, mode_t mode);
/* Replace `path` by a file with this content, whole or not at all: temporary name next to
 * it, fdatasync, rename. */
NODISCARD struct err *fs_write_atomic(int dir_fd, const char *path, const void *data,
				      size_t len, mode_t mode);
/* Remove `path`, whatever it is, and everything below; adds missing permissions of
 * folders first; a missing `path` is fine.  Never crosses into another mount.
 * ERR_CANCELLED when interrupt_is_late(): then a part is left. */
NODISCARD struct err *fs_remove_tree(int dir_fd, const char *path);
/* Does `path` below `dir_fd` still lead to what `fd` is open on?  For locks: between
 * opening and locking, a file may be removed, and another may take its name. */
bool fs_is_named(int fd, int dir_fd, const char *path);
/* Absolute form of `path`, links unresolved, for free(). */
NODISCARD struct err *fs_absolute(const char *path, char **out);

/* A file without a name (O_TMPFILE), so that a kill leaves nothing behind; if the
 * filesystem cannot do that (NFS), a file under a temporary name.  Replacing a file also
 * needs a temporary name for a moment.  A file under such a name is locked by its owner,
 * so that tmpfile_remove_dead() knows what a dead owner left. */
struct tmpfile {
	int dir_fd; /* borrowed */
	int fd;
	char name[32];	    /* "" while it has none; else .dagbuild-RANDOM.tmp */
	int interrupt_name; /* of interrupt_name_add(), while it has a name */
};

#define TMPFILE_INIT                                                                     \
	{                                                                                \
		-1, -1, "", -1                                                           \
	}

/* Open a new file in folder `dir_fd`, which must outlive it; `mode` minus the umask. */
NODISCARD struct err *tmpfile_open(struct tmpfile *t, int dir_fd, mode_t mode);
/* Give it the name `path` below `dir_fd`, replacing what is there. */
NODISCARD struct err *tmpfile_publish(struct tmpfile *t, int dir_fd, const char *path);
/* As tmpfile_publish(), but never replaces a file: ERR_EXISTS. */
NODISCARD struct err *tmpfile_publish_new(struct tmpfile *t, int dir_fd,
					  const char *path);
/* Close it; remove it unless it was published.  The folder must still be open: declare
 * its variable before the file's. */
void tmpfile_release(struct tmpfile *t);
/* Remove entry `name` of the folder if it is a temporary file whose owner has ended. */
void tmpfile_remove_if_dead(int dir_fd, const char *name);
/* Remove all such entries. */
void tmpfile_remove_dead(int dir_fd);

/* `len` (at most 64) random characters [a-z2-7] and NUL into `out`; 5 bits each. */
void fs_random_name(char *out, size_t len);

#endif
