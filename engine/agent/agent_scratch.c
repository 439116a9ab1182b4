/* SPDX-License-Identifier: MIT
 * agent_scratch.c - an empty root filesystem.
 */
#include "engine/agent/agent.h"

static struct err *scratch_resolve(const struct agent_context *context,
				   const struct step_base *base, struct digest *out)
{
	(void)context;
	(void)base;
	*out = digest_bytes(DIGEST_SHA256, NULL, "", 0);
	return NULL;
}

const struct agent agent_scratch = {
	.name = "scratch",
	.resolve = scratch_resolve,
};
