/* SPDX-License-Identifier: MIT
 * oci_document.c - see oci_document.h.
 */
#include "engine/agent/oci_document.h"

#include "base/fs.h"
#include "cache/blob.h"

/* Checked again on every use: it is small, and it decides which layers an image has. */
static struct err *load(const struct store *store, const struct digest *digest,
			struct buf *body)
{
	CLEANUP(closep) int fd = -1;
	struct digest got;

	TRY(blob_open(store, digest, &fd, NULL));
	TRY(fs_read_fd(fd, OCI_DOCUMENT_MAX, body));
	got = digest_bytes(DIGEST_SHA256, NULL, buf_text(body), body->len);
	return digest_equal(&got, digest) ? NULL : err_new(ERR_CORRUPT, "a damaged blob");
}

struct err *oci_document_get(const struct agent_context *context,
			     const struct oci_ref *ref, const struct digest *digest,
			     const struct registry_watch *watch, struct buf *body,
			     char **content_type)
{
	struct err *e = load(context->store, digest, body);

	*content_type = NULL;
	if (!e)
		return NULL;
	err_ignore(e, "it is fetched");
	buf_clear(body);
	TRY(registry_fetch_manifest(context->registry, ref, digest, watch, body,
				    content_type));
	return blob_put(context->store, digest, buf_text(body), body->len);
}
