/* SPDX-License-Identifier: MIT
 * executor.h - how the scheduler sees work, and what it offers to it.
 *
 * Purpose:   the scheduler decides when to work; an executor knows what to do.
 *            engine/executor/exec.h implements this; tests/fake has one without
 *            processes.
 * Ownership: a task is lent for the duration of the call.
 * Threads:   worker threads call probe() and run(): for different nodes at the same time,
 *            but never twice at the same time for one node. Call task functions from the
 *            thread that was lent the task.
 * Errors:    the first error of a node makes it FAILED (ERR_CANCELLED: CANCELLED).
 */
#ifndef SCHEDULER_EXECUTOR_H
#define SCHEDULER_EXECUTOR_H

#include "base/str.h"
#include "base/cancel.h"
#include "base/parallel.h"
#include "scheduler/graph.h"

enum probe_result {
	PROBE_HIT,  /* nothing to do: the result is there */
	PROBE_MISS, /* run() is needed */
};

struct task;

struct executor {
	void *self;
	/* Called when everything before `node` is CACHED or BUILT; with past_misses also
	 * when something is MISSED. */
	struct err *(*probe)(void *self, struct node_id node, struct task *task,
			     enum probe_result *out);
	/* Called after probe() said MISS, on the same thread. */
	struct err *(*run)(void *self, struct node_id node, struct task *task);
};

/* The run's cancel token: poll it in every wait. */
const struct cancel *task_cancel(const struct task *t);
/* End the whole run immediately: cancel everything that runs. */
void task_stop_run(struct task *t);
/* Emit EVENT_LINE, EVENT_NOTE, EVENT_PROGRESS for the task's node. */
void task_line(struct task *t, struct str line);
PRINTF(2, 3) void task_note(struct task *t, const char *format, ...);
/* `activity` is a literal; cheap to call often (passed on at most ten times a second). */
void task_progress(struct task *t, const char *activity, uint64_t done, uint64_t total);

typedef struct err *(*task_fn)(void *context, size_t index, struct task *task);

/* Run fn(context, 0..count-1) as child tasks on worker slots, and wait for all of them.
 * Meanwhile this task lends its own slot out, so one slot in all is enough.  After the
 * first error no further child starts; err_join() joins it with later ones. */
NODISCARD struct err *task_parallel(struct task *t, size_t count, task_fn fn,
				    void *context);

/* The same, for code that knows no tasks. */
struct parallel task_shares(struct task *t);

/* Call these around a wait for another task's work: the slot is lent out meanwhile.
 * task_wait_end() blocks until a slot is free again. */
void task_wait_begin(struct task *t);
void task_wait_end(struct task *t);

/* Take up to `most` more slots that are idle now, for the caller's own threads; returns
 * how many.  Return all with task_return(). */
unsigned task_borrow(struct task *t, unsigned most);
void task_return(struct task *t, unsigned count);

#endif
