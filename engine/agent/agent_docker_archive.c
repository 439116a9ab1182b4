/* SPDX-License-Identifier: MIT
 * agent_docker_archive.c - an image in a file that `docker save` wrote:
 * "FILE[:NAME[:TAG]]".
 */
#include "engine/agent/docker_archive.h"
#include "engine/agent/local_archive.h"

static struct err *bring(const struct agent_context *c, const struct archive *archive,
			 const struct oci_local_ref *ref, struct agent_base *out)
{
	if (digest_is_set(&ref->digest))
		return err_hint(err_new(ERR_USAGE, "its images have no digests"),
				"write 'From: FILE:NAME:TAG'");
	return docker_archive_bring(c, archive, ref->name, NULL, out);
}

static struct err *docker_archive_fetch(const struct agent_context *c,
					const struct step_base *base,
					const struct digest *resolved,
					struct agent_base *out)
{
	return local_archive_fetch(c, base, resolved, bring, out);
}

const struct agent agent_docker_archive = {
	.name = "docker-archive",
	.resolve = local_archive_resolve,
	.fetch = docker_archive_fetch,
};
