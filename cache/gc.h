/* SPDX-License-Identifier: MIT
 * gc.h - the collector: makes room, least recently used first.
 *
 * Purpose:   records go with the layers that only they need; blobs, logs and the roots of
 *            failed steps go by their own time. Nothing that a living lease (lease.h)
 *            names is ever taken. What goes is first moved out of sight, and removed
 *            afterwards. What nothing can use (layers without a record, remains of an
 *            older format) goes in any case.
 * Ownership: nothing is kept.
 * Threads:   any; one collector at a time, across processes: others wait.
 * Errors:    ERR_SYS. A collector that dies leaves only work for the next start.
 */
#ifndef CACHE_GC_H
#define CACHE_GC_H

#include "cache/usage.h"

/* One thing that goes. */
struct gc_victim {
	const char *kind; /* "record", "layer", "blob", "log", "failed" */
	const char *name; /* of a record: the step's; else the end of its path */
	struct usage usage;
	int64_t used_ns; /* last use; INT64_MIN: nothing can use it */
};

struct gc_policy {
	/* Take the least recently used until at most this much is left. */
	uint64_t max_bytes, max_files; /* UINT64_MAX: no limit */
	int64_t unused_since_ns; /* take what was last used earlier; INT64_MIN: nothing */
	/* The layers below a failed step's root stay as long as it does. */
	bool holds_for_failed;
	bool dry_run;	    /* only show; the store may be open for reading only */
	const char *reason; /* what history.h says about each record that goes */
	void (*show)(void *context, const struct gc_victim *victim); /* may be NULL */
	void *context;
};

#define GC_NOTHING                                                                       \
	{                                                                                \
		.max_bytes = UINT64_MAX, .max_files = UINT64_MAX,                        \
		.unused_since_ns = INT64_MIN, .reason = "cache prune"                    \
	}

struct gc_result {
	struct usage before, freed;
	size_t victims;
	size_t needed; /* stayed because a running process needs them */
	size_t alive;  /* processes with a lease, this one too */
};

NODISCARD struct err *gc_run(const struct store *s, const struct gc_policy *policy,
			     struct gc_result *out);
/* Allow one collector or checker at a time, until `*fd` is closed. */
NODISCARD struct err *gc_lock(const struct store *s, int *fd);

#endif
