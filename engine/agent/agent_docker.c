/* SPDX-License-Identifier: MIT
 * agent_docker.c - images from OCI registries.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "cache/blob.h"
#include "cache/key.h"
#include "cache/record.h"
#include "engine/agent/agent.h"
#include "engine/agent/oci_document.h"
#include "engine/agent/oci_layers.h"

/* An index may lead to another one; no image needs more than this (oci: section 2, step
 * 6). */
static const unsigned INDEX_DEPTH_MAX = 4;
static const size_t CONFIG_MAX = (size_t)8 << 20;

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

static struct digest memo_key(const struct agent_context *c, const struct oci_ref *ref)
{
	CLEANUP(freep) char *name = oci_ref_format(ref);
	CLEANUP(key_freep) struct key *key = key_new(c->store, "resolved");

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
	/* With a network at hand only what was resolved by this very command counts. */
	if (c->use_network && (int64_t)when < c->resolved_since / 1000000)
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

/* Whatever is wrong with what a registry has or sends is the registry's fault to the caller. */
static struct err *blame_registry(struct err *e, const char *name)
{
	if (e && (err_code(e) == ERR_NOTFOUND || err_code(e) == ERR_CORRUPT))
		e = err_recode(e, ERR_NETWORK);
	return err_wrap(e, "image '%s' cannot be had", name);
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
	key = memo_key(c, &ref);
	if (load_memo(c, &key, out))
		return NULL;
	name = oci_ref_format(&ref);
	if (!c->use_network)
		return err_hint(err_new(ERR_NOTFOUND, "'%s' was never resolved", name),
				"build once without --offline, or name a digest: 'From: "
				"...@sha256:...'");
	/* Stages with one tag get one digest, also when the tag moves meanwhile. */
	TRY(flight_enter(c->flights, &key, c->task, &waited));
	if (!load_memo(c, &key, out))
		e = ask(c, &ref, &key, name, out);
	flight_leave(c->flights, &key, e);
	return e;
}

/* ---- fetching ---- */

struct source {
	const struct agent_context *context;
	const struct oci_ref *ref;
};

static struct err *fetch_blob(void *source, const struct oci_descriptor *blob,
			      const struct registry_watch *watch)
{
	const struct source *s = source;

	return registry_fetch_blob(s->context->registry, s->ref, blob, s->context->store,
				   watch);
}

/* From `digest`, an index or a manifest, to the manifest for our platform. */
static struct err *fetch_manifest(const struct agent_context *c,
				  const struct oci_ref *ref, const struct digest *digest,
				  struct oci_manifest *out)
{
	struct registry_watch watch = watch_of(c);
	struct digest next = *digest;

	for (unsigned depth = 0; depth < INDEX_DEPTH_MAX; depth++) {
		CLEANUP(buf_release) struct buf body = BUF_INIT;
		CLEANUP(freep) char *type = NULL;
		CLEANUP(oci_descriptor_release) struct oci_descriptor entry = {0};
		enum oci_kind kind;
		struct str text;

		TRY(oci_document_get(c, ref, &next, &watch, &body, &type));
		text = str_make(buf_text(&body), body.len);
		TRY(oci_document_kind(text, type, &kind));
		if (kind == OCI_MANIFEST)
			return oci_manifest_parse(text, out);
		TRY(oci_index_choose(text, &c->platform, &entry));
		next = entry.digest;
	}
	return err_new(ERR_CORRUPT, "an index within an index within an index");
}

static struct err *fetch_config(const struct source *s,
				const struct oci_descriptor *descriptor,
				struct oci_config *out)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(closep) int fd = -1;
	struct registry_watch watch = watch_of(s->context);

	TRY(fetch_blob((void *)s, descriptor, &watch));
	TRY(blob_open(s->context->store, &descriptor->digest, &fd, NULL));
	TRY(fs_read_fd(fd, CONFIG_MAX, &text));
	return oci_config_parse(str_make(buf_text(&text), text.len), out);
}

static struct err *fetch_image(const struct source *s, const struct digest *resolved,
			       struct agent_base *out)
{
	CLEANUP(oci_manifest_release) struct oci_manifest manifest = {0};
	struct oci_layers_request layers = {
		.context = s->context,
		.manifest = &manifest,
		.config = &out->config,
		.fetch = fetch_blob,
		.source = (void *)s,
	};

	TRY(fetch_manifest(s->context, s->ref, resolved, &manifest));
	TRY(fetch_config(s, &manifest.config, &out->config));
	out->has_config = true;
	return oci_layers_bring(&layers, &out->layers);
}

static struct err *docker_fetch(const struct agent_context *c,
				const struct step_base *base,
				const struct digest *resolved, struct agent_base *out)
{
	CLEANUP(oci_ref_release) struct oci_ref ref = OCI_REF_INIT;
	CLEANUP(freep) char *name = NULL;
	struct source source = {c, &ref};

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
