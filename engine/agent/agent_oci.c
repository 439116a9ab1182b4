/* SPDX-License-Identifier: MIT
 * agent_oci.c - an image in a folder of this host: "FOLDER" or "FOLDER@sha256:...".
 */
#include <stdlib.h>
#include <string.h>

#include "engine/agent/oci_layout.h"

/* The folder, for free(), and the digest behind it; unset without one. */
static struct err *split(const char *from, char **folder, struct digest *digest)
{
	const char *at = strstr(from, "@sha256:");

	*folder = at ? xstrndup(from, (size_t)(at - from)) : xstrdup(from);
	if (at && !digest_parse(str_of(at + 1), digest))
		return err_new(ERR_USAGE, "'%s' is not a digest", at + 1);
	return NULL;
}

static struct err *resolve_in(const struct agent_context *c, const char *folder,
			      struct digest *out)
{
	CLEANUP(oci_layout_close) struct oci_layout layout = OCI_LAYOUT_INIT;

	TRY(oci_layout_open(c, folder, &layout));
	return oci_layout_choose(&layout, out);
}

static struct err *oci_resolve(const struct agent_context *c,
			       const struct step_base *base, struct digest *out)
{
	CLEANUP(freep) char *folder = NULL;
	struct digest digest = {0};

	TRY(split(base->from, &folder, &digest));
	*out = digest;
	if (digest_is_set(&digest))
		return NULL;
	return err_wrap(resolve_in(c, folder, out), "image '%s' cannot be used",
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
	CLEANUP(freep) char *folder = NULL;
	struct agent_context local = *c;
	struct digest digest = {0};

	TRY(split(base->from, &folder, &digest));
	/* No network is needed: it does not matter if there is none. */
	local.use_network = true;
	return err_wrap(fetch_from(&local, folder, resolved, out),
			"image '%s' cannot be used", base->from);
}

const struct agent agent_oci = {
	.name = "oci",
	.resolve = oci_resolve,
	.fetch = oci_fetch,
};
