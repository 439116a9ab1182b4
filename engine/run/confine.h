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

/* Give up for ever what `security` does not grant, of what we have at all: root without
 * all capabilities gives up less, and is asked for none. */
NODISCARD struct err *confine(enum security security);

#endif
