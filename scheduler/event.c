/* SPDX-License-Identifier: MIT
 * event.c - names of node states.
 */
#include "scheduler/event.h"

const char *node_state_name(enum node_state state)
{
	static const char *const names[] = {
		[NODE_WAITING] = "waiting", [NODE_READY] = "ready",
		[NODE_PROBING] = "probing", [NODE_RUNNING] = "running",
		[NODE_CACHED] = "cached",   [NODE_MISSED] = "missed",
		[NODE_BUILT] = "built",	    [NODE_FAILED] = "failed",
		[NODE_SKIPPED] = "skipped", [NODE_CANCELLED] = "cancelled",
	};
	TABLE_HAS_ALL(names, NODE_STATES);

	assert(state < NODE_STATES);
	return names[state];
}

bool node_state_is_final(enum node_state state)
{
	return state >= NODE_CACHED;
}
