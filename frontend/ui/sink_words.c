/* SPDX-License-Identifier: MIT
 * sink_words.c - see sink_words.h.
 */
#include "frontend/ui/sink_words.h"

static const uint64_t SLOW_NS = 1000000000;

const char *sink_label(const struct graph *graph, struct node_id node)
{
	const struct step *step = graph_payload(graph, node);

	return step ? step->label : "";
}

const char *sink_probing(const struct graph *graph, struct node_id node)
{
	const struct step *step = graph_payload(graph, node);

	return !step || step->kind == STEP_BASE ? "resolving" : "checking";
}

bool sink_is_slow(uint64_t started_ns, uint64_t now_ns)
{
	return now_ns - started_ns >= SLOW_NS;
}

const char *sink_cancelled(int level)
{
	return level > 1 ? "killing the running steps"
			 : "interrupted: stopping the running steps (a second signal "
			   "kills them)";
}
