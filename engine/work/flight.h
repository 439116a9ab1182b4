/* SPDX-License-Identifier: MIT
 * flight.h - one execution of a key at a time.
 *
 * Purpose:   two stages with one base, or two layers with one digest: the second waits
 *            for the first and then finds its result in the store. The same between
 *            processes, by a lock of the store for each key (cache/key_lock.h): who waits
 *            for another process says so once.
 * Ownership: flight_table_free() ends a table; nobody may be in it.
 * Threads:   any.
 * Errors:    flight_enter(): ERR_CANCELLED, also when the same has failed before; and
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
/* Wait until nobody else is in under `key`, then be in; the task's slot is lent out
 * meanwhile.  Who is in looks whether the run was cancelled, for those who wait as well.
 * `*waited` says that somebody was: look for his result. */
NODISCARD struct err *flight_enter(struct flight_table *t, const struct digest *key,
				   struct task *task, bool *waited);
/* The lock's descriptor, for a child that must keep others out until it has ended,
 * whatever becomes of us; -1 without a store.  Borrowed, of one who is in. */
int flight_lock_fd(struct flight_table *t, const struct digest *key);
/* With an error nobody enters under this key any more.  The run has failed then, and with
 * the same inputs he would fail, too: a registry that does not answer takes its time for
 * each. */
void flight_leave(struct flight_table *t, const struct digest *key,
		  const struct err *error);

#endif
