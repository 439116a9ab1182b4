/* SPDX-License-Identifier: MIT
 * stop.h - what a long loop asks whether it may go on.
 *
 * Purpose:   lets code that takes no cancel token (base/cancel.h) be stopped, too: the
 *            caller that has a token hands down this.
 * Ownership: the context is borrowed.
 * Threads:   as the function it calls.
 */
#ifndef BASE_STOP_H
#define BASE_STOP_H

#include "base/err.h"

struct stop {
	/* ERR_CANCELLED when the work must end; NULL itself never stops it. */
	struct err *(*ask)(const void *context);
	const void *context;
};

/* The error to return to the caller, or NULL: go on. */
NODISCARD static inline struct err *stop_ask(const struct stop *s)
{
	return s->ask ? s->ask(s->context) : NULL;
}

#endif
