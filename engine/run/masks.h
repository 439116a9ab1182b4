/* SPDX-License-Identifier: MIT
 * masks.h - which parts of /proc and /sys a container cannot see, or cannot write.
 *
 * Ownership: mounts end with the mount namespace.
 * Threads:   a child process with one thread.
 * Errors:    ERR_SYS with the path.
 */
#ifndef ENGINE_RUN_MASKS_H
#define ENGINE_RUN_MASKS_H

#include "base/err.h"

/* With /proc, /sys and /dev mounted in the root. */
NODISCARD struct err *masks_make(int root_fd);

#endif
