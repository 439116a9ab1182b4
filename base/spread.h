/* SPDX-License-Identifier: MIT
 * spread.h - work that may be done by several threads.
 *
 * Purpose:   the layers that know no scheduler can use its idle slots all the same: whoever has a
 *            task hands them this.
 * Ownership: the context is borrowed.
 * Threads:   the pieces of work run on any thread, several at once.
 */
#ifndef BASE_SPREAD_H
#define BASE_SPREAD_H

#include "base/err.h"

struct spread {
	/* Call work(data, 0..count-1), and wait for all of them; the first error. NULL itself: there is
	 * nobody else, and the caller does all. */
	struct err *(*run)(void *context, size_t count,
			   struct err *(*work)(void *data, size_t index), void *data);
	void *context;
};

/* Has it more threads than the caller's? */
static inline bool spread_has_others(const struct spread *s)
{
	return s->run != NULL;
}

#endif
