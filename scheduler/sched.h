/* SPDX-License-Identifier: MIT
 * sched.h - the conductor: runs a graph on worker threads.
 *
 * Purpose:   one thread (the caller's) owns all node states; workers take a node and post
 *            a result. Ready nodes start by critical path: the longest expected path to
 *            the end first. After the first failure nothing new starts, but what runs may
 *            finish.
 * Ownership: sched_result_release() ends the result's arrays.
 * Threads:   the main thread calls it, and listens to signals meanwhile
 *            (base/interrupt.h); all threads that it starts have ended on return.
 * Errors:    sched_run(): the first node's error; ERR_CANCELLED when interrupted.
 */
#ifndef SCHEDULER_SCHED_H
#define SCHEDULER_SCHED_H

#include "scheduler/event.h"
#include "scheduler/executor.h"

struct sched_options {
	unsigned jobs;	   /* slots: threads doing work at once; at least 1 */
	bool probe_only;   /* a miss is final (MISSED); what depends on it is SKIPPED */
	bool past_misses;  /* with probe_only: probe what depends on a miss, too */
	bool stop_at_miss; /* with probe_only: stop everything at the first miss */
	const struct event_sink *sinks;
	size_t n_sinks;
};

struct sched_result {
	enum node_state *states; /* by node index */
	uint64_t *elapsed_ns;	 /* by node index: probing and running */
	size_t n;
	size_t counts[NODE_STATES];
};

#define SCHED_RESULT_INIT                                                                \
	{                                                                                \
		0                                                                        \
	}

NODISCARD struct err *sched_run(const struct graph *g, const struct executor *x,
				const struct sched_options *options,
				struct sched_result *result);
void sched_result_release(struct sched_result *r);

#endif
