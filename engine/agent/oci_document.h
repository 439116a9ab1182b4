/* SPDX-License-Identifier: MIT
 * oci_document.h - indexes and manifests, kept in the store like any other blob.
 *
 * Purpose:   a document is named by its digest, so one that was fetched is never fetched
 *            again: a base whose layers are there is put together without a request.
 * Ownership: `content_type` is for free(); NULL when the store does not know it.
 * Threads:   any.
 * Errors:    those of registry_fetch_manifest() and blob_put().
 */
#ifndef ENGINE_AGENT_OCI_DOCUMENT_H
#define ENGINE_AGENT_OCI_DOCUMENT_H

#include "engine/agent/agent.h"

NODISCARD struct err *oci_document_get(const struct agent_context *context,
				       const struct oci_ref *ref,
				       const struct digest *digest,
				       const struct registry_watch *watch,
				       struct buf *body, char **content_type);

#endif
