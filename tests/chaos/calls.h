/* SPDX-License-Identifier: MIT
 * calls.h - which system calls a full disk, a broken one, or an exhausted table makes
 * fail.
 *
 * Purpose:   the table behind killer.c; it runs nothing itself.
 * Ownership: everything is constant.
 * Threads:   any.
 * Errors:    none; an unknown call belongs to no class.
 */
#ifndef CHAOS_CALLS_H
#define CHAOS_CALLS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Whether the call `number` of task `pid` can fail with `error` (ENOSPC, EIO or
 * EMFILE). */
bool calls_can_fail(pid_t pid, uint64_t number, const uint64_t args[6], int error);

#endif
