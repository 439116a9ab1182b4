/* SPDX-License-Identifier: MIT
 * sync.h - what was written is on disk.
 *
 * Purpose:   fsync(2) and syncfs(2) cannot be interrupted, not even by SIGKILL, and may
 *            take minutes. Where there may be much to write a child process waits for the
 *            disk, and we for the child: so a signal ends us at once.
 * Threads:   any.
 * Errors:    ERR_SYS, ERR_NOSPACE; ERR_CANCELLED when the process was asked to end
 *            (interrupt.h): then what was written may be on disk or not.
 */
#ifndef BASE_SYNC_H
#define BASE_SYNC_H

#include "base/err.h"

/* The file that `fd` is open on. */
NODISCARD struct err *sync_file(int fd);
/* All of the filesystem that `fd` is on. */
NODISCARD struct err *sync_filesystem(int fd);

#endif
