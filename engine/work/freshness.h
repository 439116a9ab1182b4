/* SPDX-License-Identifier: MIT
 * freshness.h - how fresh what a step uses must be.
 *
 * Purpose:   one rule for each step, made once from the command line and the lock file;
 *            the executor asks it, and knows no options. A record counts for a step when
 *            the work that it describes began at or after the rule's time: so --no-cache
 *            takes nothing that was there when the command began, yet a second stage with
 *            the same step takes what the first has just made.
 * Ownership: freshness_release() ends it.
 * Threads:   const once made.
 *
 * Content is fresh at any age: blobs, documents and layers that are named by their
 * digest, and what is remembered of a snapshot's files, are used whatever the rule says.
 */
#ifndef ENGINE_WORK_FRESHNESS_H
#define ENGINE_WORK_FRESHNESS_H

#include "base/digest.h"
#include "base/json.h"
#include "engine/work/miss.h"
#include "scheduler/graph.h"

enum freshness_resolve {
	RESOLVE_ASK,	 /* ask for a tag, once in each command */
	RESOLVE_MISSING, /* ask if that was never done */
	RESOLVE_NEVER,	 /* as it was resolved last, or an error */
};

struct freshness_rule {
	bool is_anew;	       /* by --no-cache: for the reason of the miss */
	int64_t not_before_ms; /* since 1970; 0: any record will do */
	enum freshness_resolve resolve;
	struct digest locked; /* base: what the lock file names; unset without */
};

struct freshness {
	struct freshness_rule *rules; /* by node index */
	size_t n;
	char *lock_name; /* "lab3.def.lock", where `locked` comes from; NULL without */
};

#define FRESHNESS_INIT                                                                   \
	{                                                                                \
		0                                                                        \
	}

/* The rules that hold without any option. */
void freshness_init(struct freshness *f, size_t n_steps);
void freshness_release(struct freshness *f);
/* `f` NULL: the rule without any option. */
const struct freshness_rule *freshness_rule(const struct freshness *f, struct node_id id);
/* Why `record` does not count under the rule; MISS_NONE when it does. */
enum miss freshness_refuses(const struct freshness_rule *rule, const cJSON *record);
/* When the work that the record describes began, in milliseconds since 1970; 0: it does
 * not say. */
int64_t freshness_began_ms(const cJSON *record);

#endif
