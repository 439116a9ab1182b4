/* SPDX-License-Identifier: MIT
 * rank.h - priorities by critical path.
 */
#ifndef SCHEDULER_RANK_H
#define SCHEDULER_RANK_H

#include "scheduler/graph.h"

/* For each node the expected time, in ms, from its start to the end of the run along the
 * longest path: starting the longest path first delays the end least.  By node index;
 * free() it. */
uint64_t *rank_critical_path(const struct graph *g);

#endif
