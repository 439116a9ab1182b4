/* SPDX-License-Identifier: MIT
 * oci_document.c - see oci_document.h.
 */
#include "engine/agent/oci_document.h"

#include "cache/blob.h"

struct err *oci_document_get(const struct agent_context *context,
			     const struct oci_ref *ref, const struct digest *digest,
			     const struct registry_watch *watch, struct buf *body,
			     char **content_type)
{
	/* Checked again on every use: it is small, and it decides which layers an image
	 * has. */
	struct err *e = blob_read(context->store, digest, OCI_DOCUMENT_MAX, body);

	*content_type = NULL;
	if (!e)
		return NULL;
	err_ignore(e, "it is fetched");
	buf_clear(body);
	TRY(registry_fetch_manifest(context->registry, ref, digest, watch, body,
				    content_type));
	return blob_put(context->store, digest, buf_text(body), body->len);
}
