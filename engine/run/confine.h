/* SPDX-License-Identifier: MIT
 * confine.h - what a script may not do: capabilities, system calls, keys, sockets.
 *
 * Threads:   a child process with one thread, right before it becomes the script's
 *            program.
 * Errors:    ERR_UNSUPPORTED when this kernel takes no filter, ERR_SYS.
 */
#ifndef ENGINE_RUN_CONFINE_H
#define ENGINE_RUN_CONFINE_H

#include "base/err.h"
#include "engine/run/security.h"

/* Give up for ever what we have and `security` does not grant.  Root without all
 * capabilities has less to give up, and needs none of the others. */
NODISCARD struct err *confine(enum security security);

#endif
