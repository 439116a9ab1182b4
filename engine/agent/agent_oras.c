/* SPDX-License-Identifier: MIT
 * agent_oras.c - a SIF that lies in a registry: `apptainer push x.sif oras://...`.
 *
 * The registry is asked as for a container image; the file is fetched like a layer, and
 * goes like one when it is unpacked.
 */
#include <string.h>

#include "engine/agent/image_blob.h"
#include "engine/agent/image_file.h"
#include "engine/agent/registry_base.h"
#include "engine/oci/oci_sif.h"

/* "//HOST/NAME" is Apptainer's other way to write it. */
static const char *from_of(const struct step_base *base)
{
	return strncmp(base->from, "//", 2) == 0 ? base->from + 2 : base->from;
}

static struct err *oras_reference(const struct step_base *base, char **out,
				  bool *is_pinned)
{
	return registry_base_reference(from_of(base), out, is_pinned);
}

static struct err *oras_resolve(const struct agent_context *c,
				const struct step_base *base, struct digest *out)
{
	TRY(image_file_check_headers(base));
	return registry_base_resolve(c, from_of(base), out);
}

/* ---- fetching ---- */

struct oras_file {
	const struct registry_base *registry;
	struct oci_descriptor file;
};

static void oras_file_release(struct oras_file *f)
{
	oci_descriptor_release(&f->file);
}

static struct err *fetch_blob(void *self, const struct registry_watch *watch)
{
	const struct oras_file *f = self;
	const struct agent_context *c = f->registry->context;

	return registry_fetch_blob(c->registry, &f->registry->ref, &f->file, c->store,
				   watch);
}

static struct err *fetch_file(struct oras_file *f, const struct digest *resolved,
			      const char *fingerprints, struct agent_base *out)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	TRY(oci_image_manifest(&f->registry->source, resolved, &text, out));
	TRY(oci_sif_parse(str_make(buf_text(&text), text.len), &f->file));
	return image_blob_bring(f->registry->context, &f->file.digest, fetch_blob, f,
				fingerprints, out);
}

static struct err *oras_fetch(const struct agent_context *c, const struct step_base *base,
			      const struct digest *resolved, struct agent_base *out)
{
	CLEANUP(registry_base_close) struct registry_base registry = {0};
	CLEANUP(oras_file_release) struct oras_file file = {.registry = &registry};

	TRY(registry_base_open(c, from_of(base), &registry));
	return registry_base_blame(
		fetch_file(&file, resolved, step_base_header(base, "fingerprints"), out),
		registry.name);
}

const struct agent agent_oras = {
	.name = "oras",
	.reference = oras_reference,
	.resolve = oras_resolve,
	.fetch = oras_fetch,
};
