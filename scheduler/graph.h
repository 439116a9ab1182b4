/* SPDX-License-Identifier: MIT
 * graph.h - the frozen graph of work: nodes, edges, topological order.
 *
 * Purpose:   says what waits for what; does not know what the nodes do.
 * Ownership: graph_builder_freeze() ends the builder and gives a graph, which
 *            graph_free() ends. Payloads are borrowed.
 * Threads:   a builder belongs to one thread; a graph is const and shared freely.
 * Errors:    graph_builder_freeze(): ERR_SYNTAX for a cycle, naming a node on it.
 */
#ifndef SCHEDULER_GRAPH_H
#define SCHEDULER_GRAPH_H

#include "base/err.h"

/* A number with its own type, so that it is not mixed up with other numbers. */
struct node_id {
	uint32_t index; /* from 0, in the order of adding */
};

#define NODE_NONE ((struct node_id){UINT32_MAX})

struct node_ids {
	const struct node_id *items;
	size_t len;
};

struct graph_builder;
struct graph;

struct graph_builder *graph_builder_new(void);
void graph_builder_free(struct graph_builder *b);
void graph_builder_freep(struct graph_builder **b);
/* `name` is borrowed, for messages; `cost_ms` is the expected duration, for priorities.
 */
struct node_id graph_builder_add(struct graph_builder *b, const char *name,
				 const void *payload, uint64_t cost_ms);
/* `after` waits for `before`.  Adding an edge twice is harmless. */
void graph_builder_edge(struct graph_builder *b, struct node_id before,
			struct node_id after);
/* Freeze it; the builder is empty afterwards, on failure too. */
NODISCARD struct err *graph_builder_freeze(struct graph_builder *b, struct graph **out);

void graph_free(struct graph *g);
void graph_freep(struct graph **g);
size_t graph_size(const struct graph *g);
const char *graph_name(const struct graph *g, struct node_id id);
const void *graph_payload(const struct graph *g, struct node_id id);
uint64_t graph_cost_ms(const struct graph *g, struct node_id id);
/* Call it before the graph is shared. */
void graph_set_cost(struct graph *g, struct node_id id, uint64_t cost_ms);
/* What `id` waits for, and what waits for it; ascending, without repeats. */
struct node_ids graph_before(const struct graph *g, struct node_id id);
struct node_ids graph_after(const struct graph *g, struct node_id id);
/* All nodes, each after everything it waits for; ties in the order of adding. */
struct node_ids graph_order(const struct graph *g);

#endif
