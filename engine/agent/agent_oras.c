/* SPDX-License-Identifier: MIT
 * agent_oras.c - a SIF that lies in a registry: `apptainer push x.sif oras://...`.
 *
 * The registry is asked as for a container image; the file is fetched like a layer, and
 * goes like one when it is unpacked.
 */
#include <string.h>

#include "cache/blob.h"
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

struct oras_source {
	const struct registry_base *registry;
	struct oci_descriptor file;
};

static void oras_source_release(struct oras_source *s)
{
	oci_descriptor_release(&s->file);
}

static void on_received(void *task, uint64_t done, uint64_t total)
{
	task_progress(task, "downloading", done, total);
}

static struct err *open_blob(void *self, int *fd)
{
	const struct oras_source *s = self;
	const struct agent_context *c = s->registry->context;
	struct registry_watch watch = oci_image_watch(c);

	watch.progress = on_received;
	TRY(registry_fetch_blob(c->registry, &s->registry->ref, &s->file, c->store,
				&watch));
	return blob_open(c->store, &s->file.digest, fd, NULL);
}

static struct err *fetch_file(struct oras_source *s, const struct digest *resolved,
			      struct agent_base *out)
{
	const struct agent_context *c = s->registry->context;
	struct image_source source = {.open = open_blob, .self = s};
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	TRY(oci_image_manifest(&s->registry->source, resolved, &text, out));
	TRY(oci_sif_parse(str_make(buf_text(&text), text.len), &s->file));
	TRY(image_file_bring(c, &s->file.digest, &source, out));
	blob_spend(c->store, &s->file.digest);
	return NULL;
}

static struct err *oras_fetch(const struct agent_context *c, const struct step_base *base,
			      const struct digest *resolved, struct agent_base *out)
{
	CLEANUP(registry_base_close) struct registry_base registry = {0};
	CLEANUP(oras_source_release) struct oras_source source = {.registry = &registry};

	TRY(registry_base_open(c, from_of(base), &registry));
	return registry_base_blame(fetch_file(&source, resolved, out), registry.name);
}

const struct agent agent_oras = {
	.name = "oras",
	.reference = oras_reference,
	.resolve = oras_resolve,
	.fetch = oras_fetch,
};
