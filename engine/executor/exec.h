/* SPDX-License-Identifier: MIT
 * exec.h - the executor: probes the cache for a step, runs it, records what it made.
 *
 * Purpose:   implements scheduler/executor.h over steps.
 * Ownership: exec_free() ends it; everything in the options is borrowed and must outlive
 *            it.
 * Threads:   exec_new() before worker threads start (it reads the environment); the
 *            executor's functions as executor.h says.
 * Errors:    those of the steps; a failing script is ERR_STEP with the definition's
 *            line, the last command and the log's path.
 */
#ifndef ENGINE_EXECUTOR_EXEC_H
#define ENGINE_EXECUTOR_EXEC_H

#include "base/json.h"
#include "engine/work/limit.h"
#include "engine/work/work.h"
#include "scheduler/executor.h"

struct exec_options {
	struct work_options work;
	const char *definition; /* absolute path, for the history; NULL: none is kept */
	struct limit *limit;	/* of the store's size; NULL: none */
};

struct exec;

NODISCARD struct err *exec_new(const struct exec_options *options, struct exec **out);
void exec_free(struct exec *x);
void exec_freep(struct exec **x);
struct executor exec_executor(struct exec *x);
/* Can all the steps be run?  ERR_SYNTAX for the first that cannot, with its place: its
 * agent is of no use any more. */
NODISCARD struct err *exec_check_steps(const struct step *const *steps, size_t n);
/* May the image be written?  Looks at its folder and at what is there now, so that an
 * error does not come only after the build: ERR_EXISTS, ERR_NOTFOUND, ERR_SYS. */
NODISCARD struct err *exec_check_output(const struct exec *x);
/* For its callers: what was probed, and the results. */
const struct work *exec_work(const struct exec *x);
/* The definition's path; NULL: no history is kept. */
const char *exec_definition(const struct exec *x);
/* Why the step was a miss, for plan: a literal, or NULL. */
const char *exec_miss_reason(const struct exec *x, struct node_id id);
/* What is remembered of the step's builds, for free by json_freep(): cache/history.h.
 * ERR_NOTFOUND when nothing is remembered. */
NODISCARD struct err *exec_history(const struct exec *x, const struct step *step,
				   cJSON **out);
/* Look at the files of a `%files` from the host again, one by one; ERR_NOTFOUND when the
 * step's key has none. */
NODISCARD struct err *exec_list_files(const struct exec *x, const struct step *step,
				      struct tree_list *out);
/* How long the step took in earlier builds, in milliseconds; false when that is not
 * known. */
bool exec_expected_ms(const struct exec *x, struct node_id id, uint64_t *out);
/* How the bases of the steps probed so far got their digests. */
struct exec_sources {
	size_t locked;	   /* from the lock file */
	size_t remembered; /* from an earlier command's resolution */
	int64_t oldest_ns; /* of these: clock_real_ns() */
};
struct exec_sources exec_sources(const struct exec *x);
/* After a run: write down what was learned of host files, so that the next one does not
 * need to read them. */
NODISCARD struct err *exec_remember(struct exec *x);
/* Bytes of the image, once `pack` is done. */
uint64_t exec_image_size(const struct exec *x);

#endif
