/* SPDX-License-Identifier: MIT
 * agent_shub.c - Singularity Hub, which is gone.
 */
#include "engine/agent/agent.h"

const struct agent agent_shub = {
	.name = "shub",
	.why_not = "Singularity Hub was closed in 2021",
	.instead = "look for the image elsewhere: a registry ('Bootstrap: docker'), or a "
		   "copy of the file ('Bootstrap: localimage')",
};
