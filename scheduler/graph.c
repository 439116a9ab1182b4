/* SPDX-License-Identifier: MIT
 * graph.c - see graph.h.
 *
 * A frozen graph is two arrays of neighbours in compressed rows: row i of `after` is
 * after[after_start[i] .. after_start[i + 1]).  Freezing distributes the edges over the
 * rows, which also finds repeated ones, and orders the nodes by Kahn's algorithm; a node
 * that is left over waits for a cycle.
 */
#include "scheduler/graph.h"

#include <stdlib.h>
#include <string.h>

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

static int compare_ids(const void *a, const void *b)
{
	const struct node_id *x = a, *y = b;

	return x->index < y->index ? -1 : x->index > y->index;
}

static void rows_init(struct rows *rows, size_t n, size_t n_items)
{
	rows->start = xcalloc(n + 1, sizeof(*rows->start));
	rows->items = xcalloc(n_items > 0 ? n_items : 1, sizeof(*rows->items));
}

/* Sort the row and drop repeats; returns how many are left. */
static size_t sort_row(struct node_id *items, size_t n)
{
	size_t kept = 0;

	if (n > 1)
		qsort(items, n, sizeof(*items), compare_ids);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || items[i].index != items[kept - 1].index)
			items[kept++] = items[i];
	return kept;
}

/* Turn the counts in start[i + 1] into the offset where each row begins. */
static void sum_up(struct rows *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		rows->start[i + 1] += rows->start[i];
}

/* What each node waits for.  Distribute the edges over the rows, then sort each row:
 * except for a few nodes they are short. */
static void fill_before(struct graph *g, const struct edge *edges, size_t n_edges)
{
	CLEANUP(freep) size_t *next = xcalloc(g->n, sizeof(*next));
	size_t kept = 0;

	rows_init(&g->before, g->n, n_edges);
	for (size_t i = 0; i < n_edges; i++)
		g->before.start[edges[i].after.index + 1]++;
	sum_up(&g->before, g->n);
	for (size_t i = 0; i < n_edges; i++) {
		size_t row = edges[i].after.index;

		g->before.items[g->before.start[row] + next[row]++] = edges[i].before;
	}
	for (size_t i = 0; i < g->n; i++) {
		struct node_id *row = g->before.items + g->before.start[i];
		size_t n = sort_row(row, next[i]);

		memmove(g->before.items + kept, row, n * sizeof(*row));
		g->before.start[i] = kept;
		kept += n;
	}
	g->before.start[g->n] = kept;
	g->n_edges = kept;
}

/* The same in the other direction; going over the nodes in order sorts each row. */
static void fill_after(struct graph *g)
{
	CLEANUP(freep) size_t *next = xcalloc(g->n, sizeof(*next));

	rows_init(&g->after, g->n, g->n_edges);
	for (size_t i = 0; i < g->n_edges; i++)
		g->after.start[g->before.items[i].index + 1]++;
	sum_up(&g->after, g->n);
	for (uint32_t i = 0; i < g->n; i++) {
		struct node_ids before = graph_before(g, (struct node_id){i});

		for (size_t k = 0; k < before.len; k++) {
			size_t row = before.items[k].index;

			g->after.items[g->after.start[row] + next[row]++].index = i;
		}
	}
}

static struct node_ids row(const struct rows *rows, struct node_id id)
{
	size_t start = rows->start[id.index], end = rows->start[id.index + 1];

	return (struct node_ids){rows->items + start, end - start};
}

/* Nodes that were all added after what they wait for are already in order. */
static bool is_sorted(const struct graph *g)
{
	for (uint32_t i = 0; i < g->n; i++) {
		struct node_ids before = graph_before(g, (struct node_id){i});

		if (before.len > 0 && before.items[before.len - 1].index >= i)
			return false;
	}
	return true;
}

static struct err *sort_nodes(struct graph *g)
{
	CLEANUP(ready_release) struct ready ready = READY_INIT;
	CLEANUP(freep) size_t *missing = xcalloc(g->n, sizeof(*missing));
	struct node_id id;
	size_t done = 0;

	g->order = xcalloc(g->n, sizeof(*g->order));
	for (uint32_t i = 0; i < g->n; i++)
		g->order[i].index = i;
	if (is_sorted(g))
		return NULL;
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
	fill_before(g, b->edges.items, b->edges.len);
	vec_free(&b->edges);
	fill_after(g);
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

void graph_set_cost(struct graph *g, struct node_id id, uint64_t cost_ms)
{
	assert(id.index < g->n);
	g->nodes[id.index].cost_ms = cost_ms;
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
