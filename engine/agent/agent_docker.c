/* SPDX-License-Identifier: MIT
 * agent_docker.c - images from OCI registries.
 */
#include "engine/agent/registry_base.h"

static struct err *docker_reference(const struct step_base *base, char **out,
				    bool *is_pinned)
{
	return registry_base_reference(base->from, out, is_pinned);
}

static struct err *docker_resolve(const struct agent_context *c,
				  const struct step_base *base, struct digest *out)
{
	return registry_base_resolve(c, base->from, out);
}

static struct err *docker_fetch(const struct agent_context *c,
				const struct step_base *base,
				const struct digest *resolved, struct agent_base *out)
{
	CLEANUP(registry_base_close) struct registry_base registry = {0};

	TRY(registry_base_open(c, base->from, &registry));
	return registry_base_blame(oci_image_bring(&registry.source, resolved, out),
				   registry.name);
}

const struct agent agent_docker = {
	.name = "docker",
	.reference = docker_reference,
	.resolve = docker_resolve,
	.fetch = docker_fetch,
};
