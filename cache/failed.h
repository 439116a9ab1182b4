/* SPDX-License-Identifier: MIT
 * failed.h - what failed steps wrote, kept for a while.
 *
 * Purpose:   the upper folder of a step whose script failed is moved to
 *            failed/NAME/upper, next to failed.json, which says how it came about. It is
 *            for people to look at: no record names it, so it is never a hit. The layers
 *            below it are protected from `cache prune`, but not from a ceiling (gc.h);
 *            when one of them goes, so does the failed root.
 * Ownership: failed_list_release() ends a list.
 * Threads:   any; processes may keep and sweep at the same time.
 * Errors:    ERR_SYS, ERR_NOSPACE. Damage is not an error: what is damaged counts as
 *            gone.
 */
#ifndef CACHE_FAILED_H
#define CACHE_FAILED_H

#include "base/json.h"
#include "cache/layer.h"
#include "cache/store.h"

struct failed_limits {
	unsigned count; /* roots; 0 keeps none */
	uint64_t bytes; /* of all roots together, in allocated blocks */
	uint64_t age_ms;
};

extern const struct failed_limits failed_limits_default;

struct failed {
	struct layer_id id;
	struct snapshot below; /* the root filesystem that the step started from */
	uint64_t bytes;	       /* allocated blocks of what the step wrote */
	uint64_t failed_ms;    /* clock_real_ns(), in ms */
	cJSON *about;	       /* the whole failed.json */
};

struct failed_list {
	struct failed *items; /* newest first */
	size_t len;
};

#define FAILED_LIST_INIT                                                                 \
	{                                                                                \
		NULL, 0                                                                  \
	}

struct failed_kept {
	bool is_kept;	/* false: it is larger than the limit by itself */
	uint64_t bytes; /* its size */
};

/* Move folder `upper` out of `scratch` and keep it, with `about`, an object to which
 * members are added; then sweep. */
NODISCARD struct err *failed_keep(const struct store *s, const struct scratch *scratch,
				  const struct snapshot *below, cJSON *about,
				  const struct failed_limits *limits,
				  struct failed_kept *out);
/* List the roots that are whole, not expired, and whose layers are there.  These may go
 * at any time: use snapshot_check() after failed_hold(). */
NODISCARD struct err *failed_list_read(const struct store *s,
				       const struct failed_limits *limits,
				       struct failed_list *out);
void failed_list_release(struct failed_list *list);
/* Remove what failed_list_read() would not list, and the oldest beyond the limits, but
 * nothing in use. */
NODISCARD struct err *failed_sweep(const struct store *s,
				   const struct failed_limits *limits);
/* Use it: nothing removes it while `*fd` is open.  ERR_NOTFOUND when it is gone. */
NODISCARD struct err *failed_hold(const struct store *s, const struct layer_id *id,
				  int *fd);
/* Its upper folder, relative to layer_root(); for free(). */
char *failed_upper(const struct layer_id *id);

#endif
