/* SPDX-License-Identifier: MIT
 * sink_words.h - what all sinks say in the same words.
 *
 * Threads:   any: nothing here has a state.
 */
#ifndef FRONTEND_UI_SINK_WORDS_H
#define FRONTEND_UI_SINK_WORDS_H

#include "engine/work/step.h"
#include "scheduler/event.h"

/* The node's label, "From alpine:3.17"; "" in a graph that does not consist of steps. */
const char *sink_label(const struct graph *graph, struct node_id node);
/* What a step does before it runs: "resolving" a name, or "checking" the cache. */
const char *sink_probing(const struct graph *graph, struct node_id node);
/* Has a probe that began at `started_ns` taken long enough to mention? Most take a
 * millisecond. */
bool sink_is_slow(uint64_t started_ns, uint64_t now_ns);
/* At an interrupt: `level` is an enum cancel_level. */
const char *sink_cancelled(int level);

#endif
