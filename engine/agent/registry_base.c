/* SPDX-License-Identifier: MIT
 * registry_base.c - see registry_base.h.
 */
#include "engine/agent/registry_base.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cache/blob.h"
#include "cache/key.h"
#include "cache/record.h"
#include "engine/agent/oci_document.h"
#include "engine/oci/oci_index.h"

/* An index may lead to another one; no image needs more than this. */
static const unsigned INDEX_DEPTH_MAX = 4;

static void on_note(void *context, const char *text)
{
	task_note(context, "%s", text);
}

struct registry_watch registry_base_watch(const struct agent_context *c)
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
struct err *registry_base_blame(struct err *e, const char *name)
{
	if (e && (err_code(e) == ERR_NOTFOUND || err_code(e) == ERR_CORRUPT))
		e = err_recode(e, ERR_NETWORK);
	return err_wrap(e, "image '%s' cannot be fetched", name);
}

struct err *registry_base_reference(const char *from, char **out, bool *is_pinned)
{
	CLEANUP(oci_ref_release) struct oci_ref ref = OCI_REF_INIT;

	TRY(oci_ref_parse(from, &ref));
	*out = oci_ref_format(&ref);
	*is_pinned = digest_is_set(&ref.digest);
	return NULL;
}

static struct err *ask(const struct agent_context *c, const struct oci_ref *ref,
		       const struct digest *key, const char *name, struct digest *out)
{
	struct registry_watch watch = registry_base_watch(c);

	TRY(registry_base_blame(registry_resolve(c->registry, ref, &watch, out), name));
	return save_memo(c, key, name, out);
}

struct err *registry_base_resolve(const struct agent_context *c, const char *from,
				  struct digest *out)
{
	CLEANUP(oci_ref_release) struct oci_ref ref = OCI_REF_INIT;
	CLEANUP(freep) char *name = NULL;
	struct err *e = NULL;
	struct digest key;
	bool waited;

	TRY(oci_ref_parse(from, &ref));
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

/* ---- documents ---- */

/* A document as an index has it: of the size that the index says, and perhaps included in
 * it. */
static struct err *fetch_document(const struct agent_context *c,
				  const struct oci_ref *ref,
				  const struct oci_descriptor *d, struct buf *body,
				  char **type)
{
	struct registry_watch watch = registry_base_watch(c);
	char text[DIGEST_TEXT_SIZE];

	if (d->data)
		TRY(blob_put(c->store, &d->digest, d->data, (size_t)d->size));
	TRY(oci_document_get(c, ref, &d->digest, &watch, body, type));
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

struct err *registry_base_manifest(const struct agent_context *c,
				   const struct oci_ref *ref, const struct digest *digest,
				   struct buf *manifest, struct agent_base *out)
{
	CLEANUP(oci_descriptor_release) struct oci_descriptor next = {.digest = *digest};

	for (unsigned depth = 0; depth < INDEX_DEPTH_MAX; depth++) {
		CLEANUP(freep) char *type = NULL;
		CLEANUP(oci_choice_release) struct oci_choice choice = OCI_CHOICE_INIT;
		enum oci_kind kind;
		struct str text;

		buf_clear(manifest);
		TRY(fetch_document(c, ref, &next, manifest, &type));
		text = str_make(buf_text(manifest), manifest->len);
		TRY(oci_document_kind(text, type, &kind));
		if (kind == OCI_MANIFEST)
			return NULL;
		TRY(oci_index_choose(text, &c->platform, &choice));
		tell_choice(c, &choice, out);
		oci_descriptor_release(&next);
		next = choice.entry;
		choice.entry = (struct oci_descriptor){0};
	}
	return err_new(ERR_CORRUPT, "an index within an index, %u levels deep",
		       INDEX_DEPTH_MAX);
}
