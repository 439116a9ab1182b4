/* SPDX-License-Identifier: MIT
 * flight.h - one execution of a key at a time within this process.
 *
 * Purpose:   two stages with one base, or two layers with one digest: the second waits
 *            for the first and then finds its result in the store.
 * Ownership: flight_table_free() ends a table; nobody may be in it.
 * Threads:   any.
 * Errors:    flight_enter(): ERR_CANCELLED.
 */
#ifndef ENGINE_FLIGHT_H
#define ENGINE_FLIGHT_H

#include "base/digest.h"
#include "scheduler/executor.h"

struct flight_table;

struct flight_table *flight_table_new(void);
void flight_table_free(struct flight_table *t);
/* Wait until nobody else is in under `key`, then be in; the task's slot is lent out
 * meanwhile.
 * `*waited` says that somebody was: look for his result. */
NODISCARD struct err *flight_enter(struct flight_table *t, const struct digest *key,
				   struct task *task, bool *waited);
void flight_leave(struct flight_table *t, const struct digest *key);

#endif
