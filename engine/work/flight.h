/* SPDX-License-Identifier: MIT
 * flight.h - one execution of a key at a time.
 *
 * Purpose:   two stages may have one base, or two layers one digest: the second waits for
 *            the first and then finds its result in the store. A lock of the store for
 *            each key does the same between processes (cache/key_lock.h); a task that
 *            waits for another process says so once.
 * Ownership: flight_table_free() ends a table; no task may be in it.
 * Threads:   any.
 * Errors:    flight_enter(): ERR_CANCELLED, also when the same key has failed before; and
 *            those of key_lock.h.
 */
#ifndef ENGINE_WORK_FLIGHT_H
#define ENGINE_WORK_FLIGHT_H

#include "cache/store.h"
#include "scheduler/executor.h"

struct flight_table;

/* `store` is borrowed; NULL: there are no other processes. */
struct flight_table *flight_table_new(const struct store *store);
void flight_table_free(struct flight_table *t);
/* Wait until no other task is in under `key`, then enter; the task's slot is lent out
 * meanwhile.  The task that is in checks whether the run was cancelled, also for those
 * that wait.  `*waited` says that another was in: look for its result. */
NODISCARD struct err *flight_enter(struct flight_table *t, const struct digest *key,
				   struct task *task, bool *waited);
/* The lock's descriptor, for a child that must keep others out until it has ended,
 * whatever becomes of us; -1 without a store.  Borrowed; the caller is in. */
int flight_lock_fd(struct flight_table *t, const struct digest *key);
/* After an error no task enters under this key any more.  The run has failed then, and
 * with the same inputs the next task would fail, too: each would wait for a registry that
 * does not answer. */
void flight_leave(struct flight_table *t, const struct digest *key,
		  const struct err *error);

#endif
