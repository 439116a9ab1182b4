/* SPDX-License-Identifier: MIT
 * filter.h - the system calls that a script cannot make: seccomp(2).
 *
 * Threads:   a child process with one thread; it and what it starts have the filter for
 *            ever.
 * Errors:    ERR_UNSUPPORTED when this kernel takes no filter.
 */
#ifndef ENGINE_RUN_FILTER_H
#define ENGINE_RUN_FILTER_H

#include "base/err.h"

/* Needs CAP_SYS_ADMIN: set-id programs keep working, so "no new privileges" is not
 * set. */
NODISCARD struct err *filter_install(void);

#endif
