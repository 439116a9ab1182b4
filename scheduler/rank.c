/* SPDX-License-Identifier: MIT
 * rank.c - one pass over the nodes, from last to first: see rank.h.
 */
#include "scheduler/rank.h"

uint64_t *rank_critical_path(const struct graph *g)
{
	struct node_ids order = graph_order(g);
	uint64_t *rank = xcalloc(order.len, sizeof(*rank));

	for (size_t i = order.len; i-- > 0;) {
		struct node_ids after = graph_after(g, order.items[i]);
		uint64_t longest = 0;

		for (size_t k = 0; k < after.len; k++)
			if (rank[after.items[k].index] > longest)
				longest = rank[after.items[k].index];
		rank[order.items[i].index] =
			longest + graph_cost_ms(g, order.items[i]) + 1;
	}
	return rank;
}
