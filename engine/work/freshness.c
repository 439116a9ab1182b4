/* SPDX-License-Identifier: MIT
 * freshness.c - see freshness.h.
 */
#include "engine/work/freshness.h"

#include <stdlib.h>

#include "base/clock.h"

void freshness_init(struct freshness *f, size_t n_steps)
{
	f->rules = xcalloc(n_steps, sizeof(*f->rules));
	f->n = n_steps;
}

void freshness_release(struct freshness *f)
{
	free(f->rules);
	free(f->lock_name);
	*f = (struct freshness)FRESHNESS_INIT;
}

const struct freshness_rule *freshness_rule(const struct freshness *f, struct node_id id)
{
	static const struct freshness_rule usual = {.resolve = RESOLVE_ASK};

	if (!f)
		return &usual;
	assert(id.index < f->n);
	return &f->rules[id.index];
}

/* What a script has read is as old as the script's start. */
int64_t freshness_began_ms(const cJSON *record)
{
	uint64_t made = 0, took = 0;

	if (!json_u64(record, "made_ms", &made) ||
	    !json_u64(record, "duration_ms", &took))
		return 0;
	return (int64_t)made - (int64_t)took;
}

/* The clock was ahead when it was made, so when that was is not known.  What this command
 * has made lies behind. */
static bool is_from_future(const cJSON *record)
{
	uint64_t made = 0;

	return json_u64(record, "made_ms", &made) &&
	       made > (uint64_t)clock_real_ns() / 1000000;
}

enum miss freshness_refuses(const struct freshness_rule *rule, const cJSON *record)
{
	if (rule->not_before_ms == 0)
		return MISS_NONE;
	if (freshness_began_ms(record) >= rule->not_before_ms && !is_from_future(record))
		return MISS_NONE;
	return rule->is_anew ? MISS_NO_CACHE : MISS_OLD;
}
