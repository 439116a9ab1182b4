/* SPDX-License-Identifier: MIT
 * history.h - what was built for a step before, to tell what differs now.
 *
 * Purpose:   for each step of each definition file: the latest builds, each with its key
 *            and what the engine remembers of its inputs; how long they took; and which
 *            records the collector removed. Nothing here decides about hits: if all of it
 *            is lost, `why` and `plan` merely have less to say.
 *
 *              history/XX/REST.json   of one step, newest first: {"step",
 *                                     "definition", "builds": [...],
 *                                     "durations_ms": [...]}
 *              history/evicted        lines "KEY SECONDS WHY"; evicted.old before it
 * Ownership: trees are the caller's.
 * Threads:   any; of two processes that write at the same time, one is lost.
 * Errors:    history_load(): ERR_NOTFOUND when there is no history or it is damaged.
 */
#ifndef CACHE_HISTORY_H
#define CACHE_HISTORY_H

#include "base/json.h"
#include "cache/store.h"

enum {
	HISTORY_BUILDS = 4,    /* of a step */
	HISTORY_LISTS = 2,     /* of those, how many keep their list of files */
	HISTORY_DURATIONS = 9, /* of a step */
};

/* Whose history it is. */
struct history_step {
	const char *definition; /* absolute path */
	const char *name;	/* "compiler.post" */
};

/* `*out` is the file's content.  If this definition never built the step, it is the
 * history of the definition that last built a step of that name. */
NODISCARD struct err *history_load(const struct store *s, const struct history_step *step,
				   cJSON **out);
/* Put `build`, an object with members "key" (hexadecimal digits) and "duration_ms",
 * before the others; the history takes it over. */
NODISCARD struct err *history_add(const struct store *s, const struct history_step *step,
				  cJSON *build);
/* The build under `key` was used again: put it before the others.  Writes nothing if it
 * is there already, or unknown. */
NODISCARD struct err *history_use(const struct store *s, const struct history_step *step,
				  const struct digest *key);
/* Median of the durations in a history; false when it has none. */
bool history_expected_ms(const cJSON *history, uint64_t *out);

/* Called by the collector before it removes the record `key`; `why` is the text after
 * "by": "--cache-max", "cache prune". */
void history_note_evicted(const struct store *s, const struct digest *key,
			  const char *why);

struct eviction {
	uint64_t time_s;
	char why[40];
};

/* Was the record `key` evicted?  The latest time counts. */
bool history_evicted(const struct store *s, const struct digest *key,
		     struct eviction *out);

#endif
