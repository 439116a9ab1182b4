/* SPDX-License-Identifier: MIT
 * pool.h - slots, worker threads, and what waits for them.
 *
 * Purpose:   at most `jobs` slots are held at once; a thread does work only while it
 *            holds one. A thread starts when a slot is free, something waits, and no
 *            thread is idle; so there are more threads than slots only while tasks have
 *            lent theirs out.
 *
 *            A free slot goes first to a task that wants its own back, then to child
 *            tasks of running nodes, then to the most urgent ready node.
 * Ownership: pool_free() waits for all threads and ends the pool.
 * Threads:   the conductor calls pool_*; workers call the task functions of executor.h.
 */
#ifndef SCHEDULER_POOL_H
#define SCHEDULER_POOL_H

#include "scheduler/executor.h"
#include "scheduler/message.h"

struct pool;

struct pool_options {
	unsigned jobs;
	bool probe_only;
	bool stop_at_miss;
	const struct executor *executor;
	struct cancel *cancel;
	struct message_queue *queue; /* where workers post */
};

struct pool *pool_new(const struct pool_options *options);
void pool_free(struct pool *p);
/* Offer the nodes to the workers, each in its turn: higher `rank` (indexed by node)
 * first. */
void pool_offer(struct pool *p, const struct node_id *nodes, size_t n,
		const uint64_t *rank);
/* From now on no worker takes an offered node.  The pool stops by itself at the first
 * error, and with stop_at_miss at the first miss, before the result is posted. */
void pool_stop(struct pool *p);
/* How many offered nodes no worker is going to take. */
size_t pool_withdrawn(struct pool *p);

#endif
