/* SPDX-License-Identifier: MIT
 * history.h - what was built for a step before, to say what is different now.
 *
 * Purpose:   for each step of each definition file the latest builds, each with its key
 *            and what the engine wants to remember of its inputs; how long they took; and
 *            which records the collector took away. Nothing here decides about hits: all
 *            of it may be lost, and only `why` and `plan` have less to say.
 *
 *              history/XX/REST.json   of one step: {"step", "definition", "builds":
 *              [...],
 *                                     "durations_ms": [...]}, newest first
 *              history/evicted        lines "KEY SECONDS WHY"; evicted.old before it
 * Ownership: trees are the caller's.
 * Threads:   any; of two processes that write at once, one is forgotten.
 * Errors:    history_load(): ERR_NOTFOUND without a history, also when it is damaged.
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

/* `*out` is the file's content.  When this definition never built the step, the history
 * of the definition that last built a step of that name. */
NODISCARD struct err *history_load(const struct store *s, const struct history_step *step,
				   cJSON **out);
/* Put `build`, an object with members "key" (hexadecimal digits) and "duration_ms",
 * before the others; it is taken. */
NODISCARD struct err *history_add(const struct store *s, const struct history_step *step,
				  cJSON *build);
/* The build under `key` was used again: put it before the others.  Writes nothing if it
 * is there already, or not known. */
NODISCARD struct err *history_use(const struct store *s, const struct history_step *step,
				  const struct digest *key);
/* Median of the durations in a history; false without any. */
bool history_expected_ms(const cJSON *history, uint64_t *out);

/* Called by the collector before it removes the record `key`; `why` is what it says after
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
