/* SPDX-License-Identifier: MIT
 * oci_image.h - an OCI image as the base of a stage, wherever its parts are.
 *
 * Purpose:   from a digest over indexes to the manifest for our platform, and from that
 *            to configuration and layers. What has the parts, a registry or a folder, is
 *            a source.
 * Ownership: results are the caller's.
 * Threads:   called on a task's thread; fetch_blob() on those of child tasks, too.
 * Errors:    those of the source, of the parsers, and of oci_layers_bring().
 */
#ifndef ENGINE_AGENT_OCI_IMAGE_H
#define ENGINE_AGENT_OCI_IMAGE_H

#include "base/buf.h"
#include "engine/agent/agent.h"
#include "engine/agent/oci_layers.h"

/* For requests: the task's token, and notes that it shows. */
struct registry_watch oci_image_watch(const struct agent_context *c);

struct oci_source {
	const struct agent_context *context;
	/* The index or manifest of that digest, checked, from the store if it is there;
	 * `*type` its Content-Type, for free(), or NULL. */
	struct err *(*document)(void *self, const struct digest *digest, struct buf *body,
				char **type);
	oci_layers_fetch fetch_blob;
	void *self;
};

/* The text of the manifest for our platform: what `digest` names, or an index that has
 * that name leads to.  Sets out->level. */
NODISCARD struct err *oci_image_manifest(const struct oci_source *s,
					 const struct digest *digest,
					 struct buf *manifest, struct agent_base *out);
NODISCARD struct err *oci_image_bring(const struct oci_source *s,
				      const struct digest *resolved,
				      struct agent_base *out);

#endif
