/* SPDX-License-Identifier: MIT
 * agent_docker.c - images from OCI registries.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cache/blob.h"
#include "cache/key.h"
#include "cache/record.h"
#include "engine/agent/agent.h"
#include "engine/agent/oci_document.h"
#include "engine/agent/oci_layers.h"
#include "engine/oci/oci_index.h"

/* An index may lead to another one; no image needs more than this. */
static const unsigned INDEX_DEPTH_MAX = 4;

static void on_note(void *context, const char *text)
{
	task_note(context, "%s", text);
}

static struct registry_watch watch_of(const struct agent_context *c)
{
	return (struct registry_watch){
		.cancel = task_cancel(c->task),
		.note = on_note,
		.context = c->task,
	};
}

/* ---- resolving, and remembering what a tag was ---- */

static struct digest memo_key(const struct oci_ref *ref)
{
	CLEANUP(freep) char *name = oci_ref_format(ref);
	CLEANUP(key_freep) struct key *key = key_new("resolved");

	key_set_text(key, "reference", name);
	return key_final(key);
}

static bool load_memo(const struct agent_context *c, const struct digest *key,
		      struct digest *out)
{
	CLEANUP(json_freep) cJSON *record = NULL;
	struct err *e = record_load(c->store, key, &record);
	uint64_t when = 0;
	const char *text;

	if (e) {
		err_ignore(e, "never resolved");
		return false;
	}
	text = json_string(record, "digest");
	if (!text || !json_u64(record, "time_ms", &when))
		return false;
	/* With a network, only what this very command has resolved counts, and not what
	 * was resolved while the clock was ahead. */
	if (c->use_network && c->resolved_since > 0 &&
	    ((int64_t)when < c->resolved_since / 1000000 ||
	     (int64_t)when > clock_real_ns() / 1000000))
		return false;
	if (c->resolved_ns)
		*c->resolved_ns = (int64_t)when * 1000000;
	return digest_parse(str_of(text), out);
}

static struct err *save_memo(const struct agent_context *c, const struct digest *key,
			     const char *name, const struct digest *digest)
{
	CLEANUP(json_freep) cJSON *record = cJSON_CreateObject();
	char text[DIGEST_TEXT_SIZE];

	cJSON_AddStringToObject(record, "kind", "resolved");
	cJSON_AddStringToObject(record, "reference", name);
	cJSON_AddStringToObject(record, "digest", digest_format(digest, text));
	json_add_u64(record, "time_ms", (uint64_t)clock_real_ns() / 1000000);
	if (c->resolved_ns)
		*c->resolved_ns = clock_real_ns();
	return record_save_memo(c->store, key, record);
}

/* To the caller, whatever is wrong with what a registry has or sends is the registry's
 * fault. */
static struct err *blame_registry(struct err *e, const char *name)
{
	if (e && (err_code(e) == ERR_NOTFOUND || err_code(e) == ERR_CORRUPT))
		e = err_recode(e, ERR_NETWORK);
	return err_wrap(e, "image '%s' cannot be fetched", name);
}

static struct err *docker_reference(const struct step_base *base, char **out,
				    bool *is_pinned)
{
	CLEANUP(oci_ref_release) struct oci_ref ref = OCI_REF_INIT;

	TRY(oci_ref_parse(base->from, &ref));
	*out = oci_ref_format(&ref);
	*is_pinned = digest_is_set(&ref.digest);
	return NULL;
}

static struct err *ask(const struct agent_context *c, const struct oci_ref *ref,
		       const struct digest *key, const char *name, struct digest *out)
{
	struct registry_watch watch = watch_of(c);

	TRY(blame_registry(registry_resolve(c->registry, ref, &watch, out), name));
	return save_memo(c, key, name, out);
}

static struct err *docker_resolve(const struct agent_context *c,
				  const struct step_base *base, struct digest *out)
{
	CLEANUP(oci_ref_release) struct oci_ref ref = OCI_REF_INIT;
	CLEANUP(freep) char *name = NULL;
	struct err *e = NULL;
	struct digest key;
	bool waited;

	TRY(oci_ref_parse(base->from, &ref));
	if (digest_is_set(&ref.digest)) {
		*out = ref.digest;
		return NULL;
	}
	key = memo_key(&ref);
	if (load_memo(c, &key, out))
		return NULL;
	name = oci_ref_format(&ref);
	if (!c->use_network)
		return err_hint(err_new(ERR_NOTFOUND, "'%s' was never resolved", name),
				"build once without --offline, or name a digest: 'From: "
				"...@sha256:...'");
	/* Stages with one tag get one digest, even if the tag moves meanwhile. */
	TRY(flight_enter(c->flights, &key, c->task, &waited));
	if (!load_memo(c, &key, out))
		e = ask(c, &ref, &key, name, out);
	flight_leave(c->flights, &key, e);
	return e;
}

/* ---- fetching ---- */

struct docker_source {
	const struct agent_context *context;
	const struct oci_ref *ref;
};

static struct err *fetch_blob(void *source, const struct oci_descriptor *blob,
			      const struct registry_watch *watch)
{
	const struct docker_source *s = source;

	return registry_fetch_blob(s->context->registry, s->ref, blob, s->context->store,
				   watch);
}

/* A document as an index has it: of the size that the index says, and perhaps included in
 * it. */
static struct err *fetch_document(const struct docker_source *s,
				  const struct oci_descriptor *d, struct buf *body,
				  char **type)
{
	const struct agent_context *c = s->context;
	struct registry_watch watch = watch_of(c);
	char text[DIGEST_TEXT_SIZE];

	if (d->data)
		TRY(blob_put(c->store, &d->digest, d->data, (size_t)d->size));
	TRY(oci_document_get(c, s->ref, &d->digest, &watch, body, type));
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

/* From `digest`, an index or a manifest, to the manifest for our platform. */
static struct err *fetch_manifest(const struct docker_source *s,
				  const struct digest *digest,
				  struct oci_manifest *manifest, struct agent_base *out)
{
	CLEANUP(oci_descriptor_release) struct oci_descriptor next = {.digest = *digest};

	for (unsigned depth = 0; depth < INDEX_DEPTH_MAX; depth++) {
		CLEANUP(buf_release) struct buf body = BUF_INIT;
		CLEANUP(freep) char *type = NULL;
		CLEANUP(oci_choice_release) struct oci_choice choice = OCI_CHOICE_INIT;
		enum oci_kind kind;
		struct str text;

		TRY(fetch_document(s, &next, &body, &type));
		text = str_make(buf_text(&body), body.len);
		TRY(oci_document_kind(text, type, &kind));
		if (kind == OCI_MANIFEST)
			return oci_manifest_parse(text, manifest);
		TRY(oci_index_choose(text, &s->context->platform, &choice));
		tell_choice(s->context, &choice, out);
		oci_descriptor_release(&next);
		next = choice.entry;
		choice.entry = (struct oci_descriptor){0};
	}
	return err_new(ERR_CORRUPT, "an index within an index, %u levels deep",
		       INDEX_DEPTH_MAX);
}

static struct err *fetch_config(const struct docker_source *s,
				const struct oci_descriptor *descriptor,
				struct oci_config *out)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct registry_watch watch = watch_of(s->context);
	const struct store *store = s->context->store;
	struct err *e = blob_read(store, &descriptor->digest, OCI_CONFIG_MAX, &text);

	if (e) {
		err_ignore(e, "it is fetched");
		buf_clear(&text);
		TRY(fetch_blob((void *)s, descriptor, &watch));
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

static struct err *fetch_image(const struct docker_source *s,
			       const struct digest *resolved, struct agent_base *out)
{
	CLEANUP(oci_manifest_release) struct oci_manifest manifest = {0};
	struct oci_layers_request layers = {
		.context = s->context,
		.manifest = &manifest,
		.config = &out->config,
		.fetch = fetch_blob,
		.source = (void *)s,
	};

	TRY(fetch_manifest(s, resolved, &manifest, out));
	TRY(fetch_config(s, &manifest.config, &out->config));
	tell_other_platform(s->context, &out->config);
	out->has_config = true;
	out->oci_config = xstrdup(out->config.inner_json);
	return oci_layers_bring(&layers, &out->layers);
}

static struct err *docker_fetch(const struct agent_context *c,
				const struct step_base *base,
				const struct digest *resolved, struct agent_base *out)
{
	CLEANUP(oci_ref_release) struct oci_ref ref = OCI_REF_INIT;
	CLEANUP(freep) char *name = NULL;
	struct docker_source source = {c, &ref};

	TRY(oci_ref_parse(base->from, &ref));
	name = oci_ref_format(&ref);
	return blame_registry(fetch_image(&source, resolved, out), name);
}

const struct agent agent_docker = {
	.name = "docker",
	.reference = docker_reference,
	.resolve = docker_resolve,
	.fetch = docker_fetch,
};
