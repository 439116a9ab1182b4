/* SPDX-License-Identifier: MIT
 * failed.h - what failed steps have written, kept for a while.
 *
 * Purpose:   the upper folder of a step whose script failed is moved to
 *            failed/NAME/upper, beside failed.json, which says how it came about. It is
 *            for people to look at: no record names it, so it is never a hit. The layers
 *            below are held for it against `cache prune`, but not against a ceiling
 *            (gc.h); when one of them goes, so does it.
 * Ownership: a list is ended by failed_list_release().
 * Threads:   any; processes may keep and sweep at the same time.
 * Errors:    ERR_SYS, ERR_NOSPACE. What is damaged is not an error: it is as good as
 *            gone.
 */
#ifndef CACHE_FAILED_H
#define CACHE_FAILED_H

#include "base/json.h"
#include "cache/layer.h"
#include "cache/store.h"

struct failed_limits {
	unsigned count; /* roots; 0 keeps none */
	uint64_t bytes; /* of all of them together, in allocated blocks */
	uint64_t age_ms;
};

extern const struct failed_limits failed_limits_default;

struct failed {
	struct layer_id id;
	struct snapshot below; /* the root filesystem that the step started from */
	uint64_t bytes;	       /* allocated blocks of what it wrote */
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
	bool is_kept;	/* false: it alone is larger than the limit */
	uint64_t bytes; /* its size */
};

/* Take folder `upper` of `scratch` away and keep it, with `about`, an object that is
 * given further members; then sweep. */
NODISCARD struct err *failed_keep(const struct store *s, const struct scratch *scratch,
				  const struct snapshot *below, cJSON *about,
				  const struct failed_limits *limits,
				  struct failed_kept *out);
/* Those that are whole, not expired, and whose layers are there. */
NODISCARD struct err *failed_list_read(const struct store *s,
				       const struct failed_limits *limits,
				       struct failed_list *out);
void failed_list_release(struct failed_list *list);
/* Remove what failed_list_read() would not give, and the oldest beyond the limits, but
 * nothing that is in use. */
NODISCARD struct err *failed_sweep(const struct store *s,
				   const struct failed_limits *limits);
/* Use it: as long as `*fd` is open nobody removes it.  ERR_NOTFOUND when it is gone. */
NODISCARD struct err *failed_hold(const struct store *s, const struct layer_id *id,
				  int *fd);
/* Its upper folder, relative to layer_root(); for free(). */
char *failed_upper(const struct layer_id *id);

#endif
