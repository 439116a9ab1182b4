/* SPDX-License-Identifier: MIT
 * cancel.h - the token that says "stop": asked for once, or urgently.
 *
 * Purpose:   every wait polls cancel_fd() along with what it waits for. The first Ctrl-C
 *            asks (children get SIGTERM), the second insists (SIGKILL).
 * Ownership: cancel_free() ends it; it owns the descriptors.
 * Threads:   any thread may raise and look.
 * Errors:    cancel_new(): ERR_SYS.
 */
#ifndef BASE_CANCEL_H
#define BASE_CANCEL_H

#include "base/err.h"
#include "base/stop.h"

enum cancel_level {
	CANCEL_NONE = 0,
	CANCEL_ASKED = 1, /* end soon: pass SIGTERM on */
	CANCEL_NOW = 2,	  /* end immediately: SIGKILL */
};

struct cancel;

NODISCARD struct err *cancel_new(struct cancel **out);
void cancel_free(struct cancel *c);
void cancel_freep(struct cancel **c);
/* Raise to `level`; never lowers. */
void cancel_raise(struct cancel *c, enum cancel_level level);
enum cancel_level cancel_level(const struct cancel *c);
/* A descriptor that is readable (POLLIN) from `level` (ASKED or NOW) on; do not read it.
 */
int cancel_fd(const struct cancel *c, enum cancel_level level);
/* ERR_CANCELLED once raised, else NULL. */
NODISCARD struct err *cancel_check(const struct cancel *c);
/* The same, for code that knows no tokens; with `c` NULL it is never raised. */
struct stop cancel_stop(const struct cancel *c);

#endif
