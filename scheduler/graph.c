/* SPDX-License-Identifier: MIT
 * graph.c - see graph.h.
 *
 * A frozen graph is two arrays of neighbours in compressed rows: row i of `after` is
 * after[after_start[i] .. after_start[i + 1]).  Freezing sorts the edges, which also
 * finds the repeated ones, and orders the nodes by Kahn's algorithm; what is left over
 * lies on a cycle.
 */
#include "scheduler/graph.h"

#include <stdlib.h>

#include "base/vec.h"
#include "scheduler/ready.h"

struct node {
	const char *name;
	const void *payload;
	uint64_t cost_ms;
};

struct edge {
	struct node_id before, after;
};

struct graph_builder {
	VEC(struct node) nodes;
	VEC(struct edge) edges;
};

struct rows {
	size_t *start; /* n + 1 of them */
	struct node_id *items;
};

struct graph {
	struct node *nodes;
	size_t n, n_edges;
	struct rows before, after;
	struct node_id *order;
};

struct graph_builder *graph_builder_new(void)
{
	return xcalloc(1, sizeof(struct graph_builder));
}

void graph_builder_free(struct graph_builder *b)
{
	if (!b)
		return;
	vec_free(&b->nodes);
	vec_free(&b->edges);
	free(b);
}

void graph_builder_freep(struct graph_builder **b)
{
	graph_builder_free(*b);
	*b = NULL;
}

struct node_id graph_builder_add(struct graph_builder *b, const char *name,
				 const void *payload, uint64_t cost_ms)
{
	struct node_id id = {(uint32_t)b->nodes.len};
	struct node node = {name, payload, cost_ms};

	assert(b->nodes.len < NODE_NONE.index);
	vec_push(&b->nodes, node);
	return id;
}

void graph_builder_edge(struct graph_builder *b, struct node_id before,
			struct node_id after)
{
	struct edge edge = {before, after};

	assert(before.index < b->nodes.len && after.index < b->nodes.len);
	vec_push(&b->edges, edge);
}

static int compare_edges(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->before.index != y->before.index)
		return x->before.index < y->before.index ? -1 : 1;
	if (x->after.index != y->after.index)
		return x->after.index < y->after.index ? -1 : 1;
	return 0;
}

static size_t sort_edges(struct edge *edges, size_t n)
{
	size_t kept = 0;

	if (n == 0)
		return 0;
	qsort(edges, n, sizeof(*edges), compare_edges);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || compare_edges(&edges[i], &edges[i - 1]) != 0)
			edges[kept++] = edges[i];
	return kept;
}

static void rows_init(struct rows *rows, size_t n, size_t n_edges)
{
	rows->start = xcalloc(n + 2, sizeof(*rows->start));
	rows->items = xcalloc(n_edges, sizeof(*rows->items));
}

/* Sorted edges fill both tables in ascending order.  While rows fill, start[i + 1] is
 * where row i goes on; when all are full it is where row i ends. */
static void fill_rows(struct graph *g, const struct edge *edges)
{
	rows_init(&g->before, g->n, g->n_edges);
	rows_init(&g->after, g->n, g->n_edges);
	for (size_t i = 0; i < g->n_edges; i++) {
		g->after.start[edges[i].before.index + 2]++;
		g->before.start[edges[i].after.index + 2]++;
	}
	for (size_t i = 2; i <= g->n + 1; i++) {
		g->after.start[i] += g->after.start[i - 1];
		g->before.start[i] += g->before.start[i - 1];
	}
	for (size_t i = 0; i < g->n_edges; i++) {
		g->after.items[g->after.start[edges[i].before.index + 1]++] =
			edges[i].after;
		g->before.items[g->before.start[edges[i].after.index + 1]++] =
			edges[i].before;
	}
}

static struct node_ids row(const struct rows *rows, struct node_id id)
{
	size_t start = rows->start[id.index], end = rows->start[id.index + 1];

	return (struct node_ids){rows->items + start, end - start};
}

static struct err *sort_nodes(struct graph *g)
{
	CLEANUP(ready_release) struct ready ready = READY_INIT;
	CLEANUP(freep) size_t *missing = xcalloc(g->n, sizeof(*missing));
	struct node_id id;
	size_t done = 0;

	g->order = xcalloc(g->n, sizeof(*g->order));
	for (size_t i = 0; i < g->n; i++) {
		id.index = (uint32_t)i;
		missing[i] = graph_before(g, id).len;
		if (missing[i] == 0)
			ready_push(&ready, id, 0);
	}
	while (ready_pop(&ready, &id)) {
		struct node_ids after = graph_after(g, id);

		g->order[done++] = id;
		for (size_t i = 0; i < after.len; i++)
			if (--missing[after.items[i].index] == 0)
				ready_push(&ready, after.items[i], 0);
	}
	for (size_t i = 0; done < g->n && i < g->n; i++)
		if (missing[i] > 0)
			return err_new(ERR_SYNTAX, "'%s' waits for itself",
				       g->nodes[i].name);
	return NULL;
}

struct err *graph_builder_freeze(struct graph_builder *b, struct graph **out)
{
	CLEANUP(graph_freep) struct graph *g = xcalloc(1, sizeof(*g));

	g->n = b->nodes.len;
	g->nodes = STEAL(b->nodes.items);
	b->nodes.len = b->nodes.cap = 0;
	g->n_edges = sort_edges(b->edges.items, b->edges.len);
	fill_rows(g, b->edges.items);
	vec_free(&b->edges);
	TRY(sort_nodes(g));
	*out = STEAL(g);
	return NULL;
}

void graph_free(struct graph *g)
{
	if (!g)
		return;
	free(g->nodes);
	free(g->before.start);
	free(g->before.items);
	free(g->after.start);
	free(g->after.items);
	free(g->order);
	free(g);
}

void graph_freep(struct graph **g)
{
	graph_free(*g);
	*g = NULL;
}

size_t graph_size(const struct graph *g)
{
	return g->n;
}

size_t graph_edge_count(const struct graph *g)
{
	return g->n_edges;
}

static const struct node *node(const struct graph *g, struct node_id id)
{
	assert(id.index < g->n);
	return &g->nodes[id.index];
}

const char *graph_name(const struct graph *g, struct node_id id)
{
	return node(g, id)->name;
}

const void *graph_payload(const struct graph *g, struct node_id id)
{
	return node(g, id)->payload;
}

uint64_t graph_cost_ms(const struct graph *g, struct node_id id)
{
	return node(g, id)->cost_ms;
}

struct node_ids graph_before(const struct graph *g, struct node_id id)
{
	return row(&g->before, id);
}

struct node_ids graph_after(const struct graph *g, struct node_id id)
{
	return row(&g->after, id);
}

struct node_ids graph_order(const struct graph *g)
{
	return (struct node_ids){g->order, g->n};
}
