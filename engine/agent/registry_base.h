/* SPDX-License-Identifier: MIT
 * registry_base.h - what all agents share whose images are in registries: from `From:` to
 * a manifest.
 *
 * Purpose:   a tag is resolved once a command, for all stages that have it, and what it
 *            was is remembered; documents are kept.
 * Ownership: results are the caller's; registry_base_close() ends a repository.
 * Threads:   any.
 * Errors:    those of registry.h; ERR_NOTFOUND when a tag was never resolved and no
 *            request may be made.
 */
#ifndef ENGINE_AGENT_REGISTRY_BASE_H
#define ENGINE_AGENT_REGISTRY_BASE_H

#include "engine/agent/oci_image.h"

/* To the caller, whatever is wrong with what a registry has or sends is the registry's
 * fault: image `name` cannot be fetched. */
NODISCARD struct err *registry_base_blame(struct err *e, const char *name);
/* As agent.reference and agent.resolve, for the reference `from`. */
NODISCARD struct err *registry_base_reference(const char *from, char **out,
					      bool *is_pinned);
NODISCARD struct err *registry_base_resolve(const struct agent_context *c,
					    const char *from, struct digest *out);
/* A repository, as a source of documents and blobs. */
struct registry_base {
	const struct agent_context *context;
	struct oci_ref ref;
	char *name; /* for messages */
	struct oci_source source;
};

/* `out` is zeros, and must stay where it is; close it also after an error. */
NODISCARD struct err *registry_base_open(const struct agent_context *c, const char *from,
					 struct registry_base *out);
void registry_base_close(struct registry_base *r);

#endif
