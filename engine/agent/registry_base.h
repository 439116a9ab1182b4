/* SPDX-License-Identifier: MIT
 * registry_base.h - what all agents share whose images are in registries: from `From:` to
 * a manifest.
 *
 * Purpose:   a tag is resolved once a command, for all stages that have it, and what it
 *            was is remembered; documents are kept.
 * Ownership: results are the caller's.
 * Threads:   any.
 * Errors:    those of registry.h; ERR_NOTFOUND when a tag was never resolved and no
 *            request may be made.
 */
#ifndef ENGINE_AGENT_REGISTRY_BASE_H
#define ENGINE_AGENT_REGISTRY_BASE_H

#include "base/buf.h"
#include "engine/agent/agent.h"

/* For requests: the task's token, and notes that it shows. */
struct registry_watch registry_base_watch(const struct agent_context *c);
/* To the caller, whatever is wrong with what a registry has or sends is the registry's
 * fault: image `name` cannot be fetched. */
NODISCARD struct err *registry_base_blame(struct err *e, const char *name);
/* As agent.reference and agent.resolve, for the reference `from`. */
NODISCARD struct err *registry_base_reference(const char *from, char **out,
					      bool *is_pinned);
NODISCARD struct err *registry_base_resolve(const struct agent_context *c,
					    const char *from, struct digest *out);
/* The text of the manifest for our platform: what `digest` names, or an index that has
 * that name leads to.  Sets out->level. */
NODISCARD struct err *registry_base_manifest(const struct agent_context *c,
					     const struct oci_ref *ref,
					     const struct digest *digest,
					     struct buf *manifest,
					     struct agent_base *out);

#endif
