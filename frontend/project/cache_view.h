/* SPDX-License-Identifier: MIT
 * cache_view.h - which steps are in the cache, and why others are not: for `plan` and
 * `why`.
 *
 * Purpose:   reads and changes nothing: it opens the store for reading if there is one,
 *            asks no registry (a tag's digest is the one last resolved), and enters no
 *            namespace.
 * Ownership: cache_view_release() ends it; the request must outlive it.
 * Threads:   main thread only.
 * Errors:    those of opening the store.
 */
#ifndef FRONTEND_PROJECT_CACHE_VIEW_H
#define FRONTEND_PROJECT_CACHE_VIEW_H

#include "engine/why/why.h"
#include "frontend/plan/plan.h"

struct cache_view_request {
	const char *file; /* the definition */
	const struct plan *plan;
	const struct plan_options *options; /* with which it was compiled */
	const char *cache_dir;		    /* NULL: the default */
	const struct freshness *freshness;  /* NULL: without any option */
	enum security security;
	struct why_options why;
};

struct cache_view {
	struct store *store; /* NULL: there is none, so nothing is cached */
	char *image, *definition;
	char id_map[256];
	struct exec *exec;
	struct why *all; /* by node index; NULL without a store */
	size_t n;
};

#define CACHE_VIEW_INIT                                                                  \
	{                                                                                \
		0                                                                        \
	}

NODISCARD struct err *cache_view_open(const struct cache_view_request *request,
				      struct cache_view *out);
void cache_view_release(struct cache_view *v);

#endif
