/* SPDX-License-Identifier: MIT
 * agent_oci.c - an image in a folder of this host: "FOLDER[:NAME][@sha256:...]".
 */
#include "engine/agent/oci_layout.h"
#include "engine/oci/oci_local_ref.h"

static struct err *resolve_in(const struct agent_context *c,
			      const struct oci_local_ref *ref, struct digest *out)
{
	CLEANUP(oci_layout_close) struct oci_layout layout = OCI_LAYOUT_INIT;

	TRY(oci_layout_open(c, ref->path, &layout));
	return oci_layout_choose(&layout, ref->name, out);
}

static struct err *oci_resolve(const struct agent_context *c,
			       const struct step_base *base, struct digest *out)
{
	CLEANUP(oci_local_ref_release) struct oci_local_ref ref = {0};

	TRY(oci_local_ref_parse(base->from, &ref));
	*out = ref.digest;
	if (digest_is_set(&ref.digest))
		return NULL;
	return err_wrap(resolve_in(c, &ref, out), "image '%s' cannot be used",
			base->from);
}

static struct err *fetch_from(const struct agent_context *c, const char *folder,
			      const struct digest *resolved, struct agent_base *out)
{
	CLEANUP(oci_layout_close) struct oci_layout layout = OCI_LAYOUT_INIT;

	TRY(oci_layout_open(c, folder, &layout));
	return oci_image_bring(&layout.source, resolved, out);
}

static struct err *oci_fetch(const struct agent_context *c, const struct step_base *base,
			     const struct digest *resolved, struct agent_base *out)
{
	CLEANUP(oci_local_ref_release) struct oci_local_ref ref = {0};
	struct agent_context local = *c;

	TRY(oci_local_ref_parse(base->from, &ref));
	/* No network is needed: it does not matter if there is none. */
	local.use_network = true;
	return err_wrap(fetch_from(&local, ref.path, resolved, out),
			"image '%s' cannot be used", base->from);
}

const struct agent agent_oci = {
	.name = "oci",
	.resolve = oci_resolve,
	.fetch = oci_fetch,
};
