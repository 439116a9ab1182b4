/* SPDX-License-Identifier: MIT
 * look.h - what of a plan is in the cache, and why not: for `plan` and `why`.
 *
 * Purpose:   reads and changes nothing: the store is opened for reading if there is one, no
 *            registry is asked (a tag's digest is the one last resolved), and no namespace
 *            is entered.
 * Ownership: look_release() ends it; the request must outlive it.
 * Threads:   main thread only.
 * Errors:    those of opening the store.
 */
#ifndef FRONTEND_PROJECT_LOOK_H
#define FRONTEND_PROJECT_LOOK_H

#include "engine/why/why.h"
#include "frontend/plan/plan.h"

struct look_request {
	const char *file; /* the definition */
	const struct plan *plan;
	const struct plan_options *options; /* that it was compiled with */
	const char *cache_dir;		    /* NULL: the default */
	const struct freshness *freshness;  /* NULL: without any option */
	enum security security;
	struct why_options why;
};

struct look {
	struct store *store; /* NULL: there is none, and then nothing is in it */
	char *image, *definition;
	char id_map[256];
	struct exec *exec;
	struct why *all; /* by node index; NULL without a store */
	size_t n;
};

#define LOOK_INIT                                                                        \
	{                                                                                \
		0                                                                        \
	}

NODISCARD struct err *look_at_cache(const struct look_request *request, struct look *out);
void look_release(struct look *l);

#endif
