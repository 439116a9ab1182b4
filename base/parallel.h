/* SPDX-License-Identifier: MIT parallel.h - somebody who does pieces of work side by
 * side: a task of the scheduler is one.
 *
 * Purpose:   what can be cut into pieces is cut by who knows it, and done by whoever has
 *            threads: neither knows the other.
 * Ownership: `self` is borrowed.
 * Threads:   pieces are done by several at once; `each` returns when all have ended.
 * Errors:    the first error of a piece; no further piece begins after it.
 */
#ifndef BASE_PARALLEL_H
#define BASE_PARALLEL_H

#include "base/err.h"

struct parallel;

/* Do piece `index`; `own` does pieces of the piece. */
typedef struct err *(*parallel_fn)(void *context, size_t index,
				   const struct parallel *own);

struct parallel {
	void *self;
	/* Do fn(context, 0..count-1).  NULL: there is nobody; do it yourself. */
	struct err *(*each)(void *self, size_t count, parallel_fn fn, void *context);
};

#endif
