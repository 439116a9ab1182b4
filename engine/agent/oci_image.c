/* SPDX-License-Identifier: MIT
 * oci_image.c - see oci_image.h.
 */
#include "engine/agent/oci_image.h"

#include <stdlib.h>
#include <string.h>

#include "cache/blob.h"
#include "engine/oci/oci_index.h"

/* An index may lead to another one; no image needs more than this. */
static const unsigned INDEX_DEPTH_MAX = 4;

static void on_note(void *context, const char *text)
{
	task_note(context, "%s", text);
}

struct registry_watch oci_image_watch(const struct agent_context *c)
{
	return (struct registry_watch){
		.cancel = task_cancel(c->task),
		.note = on_note,
		.context = c->task,
	};
}

/* A document as an index has it: of the size that the index says, and perhaps included in
 * it. */
static struct err *get_document(const struct oci_source *s,
				const struct oci_descriptor *d, struct buf *body,
				char **type)
{
	char text[DIGEST_TEXT_SIZE];

	/* For the source, too, which looks into the store first. */
	if (d->data)
		TRY(blob_put(s->context->store, &d->digest, d->data, (size_t)d->size));
	TRY(s->document(s->self, &d->digest, body, type));
	if (d->size > 0 && d->size != body->len)
		return err_new(ERR_CORRUPT,
			       "manifest '%s' has %zu bytes, the index says %llu",
			       digest_format(&d->digest, text), body->len,
			       (unsigned long long)d->size);
	return NULL;
}

/* An image that this machine runs may not run on the next. */
static void tell_choice(const struct agent_context *c, const struct oci_choice *choice,
			struct agent_base *out)
{
	if (choice->is_by_level)
		out->level = c->platform.level ? c->platform.level : "";
	if (choice->variant)
		task_note(c->task,
			  "using the image for %s/%s/%.20s: it does not run on older "
			  "processors",
			  c->platform.os, c->platform.architecture, choice->variant);
}

struct err *oci_image_manifest(const struct oci_source *s, const struct digest *digest,
			       struct buf *manifest, struct agent_base *out)
{
	CLEANUP(oci_descriptor_release) struct oci_descriptor next = {.digest = *digest};

	for (unsigned depth = 0; depth < INDEX_DEPTH_MAX; depth++) {
		CLEANUP(freep) char *type = NULL;
		CLEANUP(oci_choice_release) struct oci_choice choice = OCI_CHOICE_INIT;
		enum oci_kind kind;
		struct str text;

		buf_clear(manifest);
		TRY(get_document(s, &next, manifest, &type));
		text = str_make(buf_text(manifest), manifest->len);
		TRY(oci_document_kind(text, type, &kind));
		if (kind == OCI_MANIFEST)
			return NULL;
		TRY(oci_index_choose(text, &s->context->platform, &choice));
		tell_choice(s->context, &choice, out);
		oci_descriptor_release(&next);
		next = choice.entry;
		choice.entry = (struct oci_descriptor){0};
	}
	return err_new(ERR_CORRUPT, "an index within an index, %u levels deep",
		       INDEX_DEPTH_MAX);
}

static struct err *fetch_config(const struct oci_source *s,
				const struct oci_descriptor *descriptor,
				struct oci_config *out)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct registry_watch watch = oci_image_watch(s->context);
	const struct store *store = s->context->store;
	struct err *e = blob_read(store, &descriptor->digest, OCI_CONFIG_MAX, &text);

	if (e) {
		err_ignore(e, "it is fetched");
		buf_clear(&text);
		TRY(s->fetch_blob(s->self, descriptor, &watch));
		TRY(blob_read(store, &descriptor->digest, OCI_CONFIG_MAX, &text));
	}
	return oci_config_parse(str_make(buf_text(&text), text.len), out);
}

/* Some images are made for one platform and claim to be for another, or have no index. */
static void tell_other_platform(const struct agent_context *c,
				const struct oci_config *config)
{
	const struct oci_platform *p = &c->platform;

	if (config->architecture && config->architecture[0] &&
	    oci_platform_fitness(p, config->os, config->architecture, NULL) == 0)
		task_note(c->task,
			  "the image is made for %.40s/%.40s, and this machine is %s/%s: "
			  "its "
			  "programs may not run",
			  config->os ? config->os : "any", config->architecture, p->os,
			  p->architecture);
}

struct err *oci_image_bring(const struct oci_source *s, const struct digest *resolved,
			    struct agent_base *out)
{
	CLEANUP(oci_manifest_release) struct oci_manifest manifest = {0};
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct oci_layers_request layers = {
		.context = s->context,
		.manifest = &manifest,
		.config = &out->config,
		.fetch = s->fetch_blob,
		.source = s->self,
	};

	TRY(oci_image_manifest(s, resolved, &text, out));
	TRY(oci_manifest_parse(str_make(buf_text(&text), text.len), &manifest));
	TRY(fetch_config(s, &manifest.config, &out->config));
	tell_other_platform(s->context, &out->config);
	out->has_config = true;
	out->oci_config = xstrdup(out->config.inner_json);
	return oci_layers_bring(&layers, &out->layers);
}
