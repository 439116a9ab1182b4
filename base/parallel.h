/* SPDX-License-Identifier: MIT
 * parallel.h - something that does pieces of work side by side, such as a task of the
 * scheduler.
 *
 * Purpose:   the code that knows the work cuts it into pieces, and the code that has
 *            threads does them: neither knows the other.
 * Ownership: `self` is borrowed.
 * Threads:   several threads do pieces at the same time; `each` returns when all have
 *            ended.
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
	/* Do fn(context, 0..count-1).  NULL: there are no threads; do it yourself. */
	struct err *(*each)(void *self, size_t count, parallel_fn fn, void *context);
};

#endif
