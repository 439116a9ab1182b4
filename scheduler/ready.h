/* SPDX-License-Identifier: MIT
 * ready.h - nodes that may start, the most urgent first: a binary heap.
 *
 * Ownership: ready_release() frees it.
 * Threads:   belongs to one thread, or is guarded by its owner's lock.
 */
#ifndef SCHEDULER_READY_H
#define SCHEDULER_READY_H

#include "scheduler/graph.h"

struct ready_entry {
	uint64_t priority; /* higher comes first; ties by ascending id */
	struct node_id id;
};

struct ready {
	struct ready_entry *items;
	size_t len, cap;
};

#define READY_INIT                                                                       \
	{                                                                                \
		0                                                                        \
	}

void ready_push(struct ready *r, struct node_id id, uint64_t priority);
bool ready_pop(struct ready *r, struct node_id *out);
void ready_release(struct ready *r);

#endif
