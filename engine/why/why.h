/* SPDX-License-Identifier: MIT
 * why.h - why steps are hits or misses, in plain words.
 *
 * Purpose:   compares what a step's inputs are now with those of the nearest earlier
 *            build in the history, part by part.
 * Ownership: why_all() gives an array of as many as there are steps, for why_free().
 * Threads:   after a probe of all steps, on one thread.
 */
#ifndef ENGINE_WHY_WHY_H
#define ENGINE_WHY_WHY_H

#include "cache/identity.h"
#include "engine/executor/exec.h"

enum why_status {
	WHY_HIT,
	WHY_MISS,
	WHY_UNKNOWN, /* something before it could not be checked */
	WHY_OPEN,    /* a hit if what it waits for makes the same files as before */
	WHY_STATUSES,
};

struct why_reason {
	const char *part; /* a literal; "history" when no input is different */
	char *text;	  /* "%post line 7 changed (line 12 of the file)" */
	char *brief;	  /* "%post line 7" */
};

struct why {
	enum why_status status;
	/* Of a miss: what is different.  Of a hit, with `of_last`: why it was built
	 * last. */
	struct why_reason *reasons;
	size_t n_reasons;
	bool may_hit; /* for a step behind others: there is a build that it may find */
	bool gives_others; /* for a miss: its files differ from those of the build
			      before */
	/* The first step up the chain that is (OPEN: may be) rebuilt; NODE_NONE. */
	struct node_id cause;
	/* Of a hit: the step it stands on, or copies from, which was rebuilt since with
	 * the same result; else NODE_NONE. */
	struct node_id same;
	uint64_t made_ms, used_ms; /* since 1970; 0: not known */
	struct digest key;	   /* not set: not known before a run */
	/* Of a hit: of the layer that it made, and over the whole chain; not set for a
	 * step that makes none. */
	struct identity identity;
	struct digest chain;
	bool has_expected;
	uint64_t expected_ms;	/* from history */
	char *other_definition; /* the one whose history was compared with; NULL: its
				   own */
};

struct why_options {
	bool of_last; /* look up why hits were built last */
};

struct why *why_all(const struct exec *x, const struct why_options *options);
void why_free(struct why *all, size_t n);
/* The cause and the reasons in brief, for free(); NULL for a hit. */
char *why_brief(const struct exec *x, struct node_id id, const struct why *why);
/* Expected milliseconds of the run: the longest path through steps that are not hits.
 * `*unknown` counts those without a history. */
uint64_t why_expected(const struct graph *g, const struct why *all, size_t *unknown);

#endif
