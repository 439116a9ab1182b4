/* SPDX-License-Identifier: MIT
 * fresh.h - from options and the lock file to a rule for each step.
 *
 * Purpose:   the one place where --no-cache, --refresh, --max-age, --pull, --offline and
 *            FILE.lock meet; the result is engine/work/freshness.h, which knows none of
 *            them.
 * Ownership: the rules are the caller's: freshness_release().
 * Threads:   main thread only.
 * Errors:    fresh_rules(): ERR_USAGE for a stage or step that is not there, with a
 *            did-you-mean; ERR_SYNTAX for a malformed lock file and, under --locked, a
 *            base that is not in it.
 */
#ifndef FRONTEND_PROJECT_FRESH_H
#define FRONTEND_PROJECT_FRESH_H

#include "engine/executor/exec.h"
#include "frontend/options/fresh_options.h"
#include "frontend/plan/plan.h"
#include "frontend/project/given.h"

struct fresh_request {
	const struct fresh_options *options;
	const struct plan *plan;
	const char *file; /* the definition's */
	int64_t since_ns; /* when the command was given: clock_real_ns() */
	/* Where the lock file's text is kept, or taken from; NULL: the file is read. */
	struct given *given;
	/* Do not show warnings: the process before this one has, or nobody wants them. */
	bool is_quiet;
};

/* Warnings go to standard error. */
NODISCARD struct err *fresh_rules(const struct fresh_request *request,
				  struct freshness *out);
/* "2 bases from lab3.def.lock" for the summary, for free(); NULL when there is nothing to
 * say. */
char *fresh_sources(const struct freshness *f, struct exec_sources sources);
/* The name by which the lock file lists the base of `step`, for free(); NULL when there
 * is nothing to lock.  `*is_pinned`: the definition itself names a digest. */
NODISCARD struct err *fresh_reference(const struct step *step, char **out,
				      bool *is_pinned);

#endif
