/* SPDX-License-Identifier: MIT
 * agent_oci_archive.c - an image in a tar of an OCI layout: "FILE[:NAME][@sha256:...]".
 */
#include "engine/agent/local_archive.h"
#include "engine/agent/oci_layout.h"

static struct err *bring(const struct agent_context *c, const struct archive *archive,
			 const struct oci_local_ref *ref, struct agent_base *out)
{
	CLEANUP(oci_layout_close) struct oci_layout layout = OCI_LAYOUT_INIT;
	struct digest image = ref->digest;

	TRY(oci_layout_open_archive(c, archive, &layout));
	if (!digest_is_set(&image))
		TRY(oci_layout_choose(&layout, ref->name, &image));
	return oci_image_bring(&layout.source, &image, out);
}

static struct err *oci_archive_fetch(const struct agent_context *c,
				     const struct step_base *base,
				     const struct digest *resolved,
				     struct agent_base *out)
{
	return local_archive_fetch(c, base, resolved, bring, out);
}

const struct agent agent_oci_archive = {
	.name = "oci-archive",
	.resolve = local_archive_resolve,
	.fetch = oci_archive_fetch,
};
