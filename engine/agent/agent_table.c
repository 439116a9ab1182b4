/* SPDX-License-Identifier: MIT
 * agent_table.c - all agents.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/agent/agent.h"

static const struct agent *const agents[] = {
	&agent_arch,	      &agent_busybox,	  &agent_debootstrap,
	&agent_dnf,	      &agent_docker,	  &agent_docker_archive,
	&agent_docker_daemon, &agent_library,	  &agent_localimage,
	&agent_oci,	      &agent_oci_archive, &agent_oras,
	&agent_scratch,	      &agent_shub,	  &agent_yum,
	&agent_zypper,
};

const struct agent *agent_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(agents); i++)
		if (strcmp(agents[i]->name, name) == 0)
			return agents[i];
	return NULL;
}

void agent_base_release(struct agent_base *base)
{
	snapshot_release(&base->layers);
	oci_config_release(&base->config);
	free(base->oci_config);
}
