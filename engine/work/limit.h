/* SPDX-License-Identifier: MIT
 * limit.h - a ceiling for what the store takes of its disk.
 *
 * Purpose:   room is reserved when a step begins: as much as it took the last time, or a
 *            little. What the store takes is sampled while steps run, and when they end;
 *            past the ceiling what was used least recently is removed (cache/gc.h). When
 *            nothing more can go, the run is stopped. So the store exceeds the ceiling at
 *            most by what steps write between two samples.
 * Ownership: limit_free() ends its thread; the store is borrowed, and has a lease.
 * Threads:   limit_enter() and limit_leave() from any.
 * Errors:    ERR_NOSPACE past the ceiling.
 */
#ifndef ENGINE_WORK_LIMIT_H
#define ENGINE_WORK_LIMIT_H

#include "cache/store.h"
#include "scheduler/executor.h"

struct limit;

struct limit_options {
	struct store *store;
	uint64_t max_bytes, max_files; /* UINT64_MAX: no limit */
};

NODISCARD struct err *limit_new(const struct limit_options *options, struct limit **out);
void limit_free(struct limit *l);
void limit_freep(struct limit **l);
/* A step begins: make room for it. */
NODISCARD struct err *limit_enter(struct limit *l, const char *step, struct task *task);
/* It ended with `e`; if the ceiling stopped it, that error replaces ERR_CANCELLED. */
NODISCARD struct err *limit_leave(struct limit *l, struct task *task, struct err *e);
/* Bring the store below the ceiling once the run needs nothing of it any more. */
NODISCARD struct err *limit_settle(const struct limit_options *options);
/* Does the store take more than it may? */
NODISCARD struct err *limit_is_passed(const struct limit_options *options, bool *passed);

#endif
