/* SPDX-License-Identifier: MIT
 * sync.h - making sure that what was written is on disk.
 *
 * Purpose:   fsync(2) and syncfs(2) cannot be interrupted, not even by SIGKILL, and may
 *            take minutes. When there may be much to write, a child process waits for the
 *            disk, and we wait for the child: so a signal ends us immediately.
 * Threads:   any.
 * Errors:    ERR_SYS, ERR_NOSPACE; ERR_CANCELLED when the process was asked to end
 *            (interrupt.h): then what was written may or may not be on disk.
 */
#ifndef BASE_SYNC_H
#define BASE_SYNC_H

#include "base/err.h"

/* The file that `fd` is open on. */
NODISCARD struct err *sync_file(int fd);
/* All of the filesystem that `fd` is on. */
NODISCARD struct err *sync_filesystem(int fd);

#endif
