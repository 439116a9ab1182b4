/* SPDX-License-Identifier: MIT
 * registry_base.c - see registry_base.h.
 */
#include "engine/agent/registry_base.h"

#include <stdlib.h>

#include "base/clock.h"
#include "cache/key.h"
#include "cache/record.h"
#include "engine/agent/oci_document.h"

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
	struct registry_watch watch = oci_image_watch(c);

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

/* ---- documents and blobs ---- */

static struct err *get_document(void *self, const struct digest *digest, struct buf *body,
				char **type)
{
	const struct registry_base *r = self;
	struct registry_watch watch = oci_image_watch(r->context);

	return oci_document_get(r->context, &r->ref, digest, &watch, body, type);
}

static struct err *fetch_blob(void *self, const struct oci_descriptor *blob,
			      const struct registry_watch *watch)
{
	const struct registry_base *r = self;

	return registry_fetch_blob(r->context->registry, &r->ref, blob, r->context->store,
				   watch);
}

struct err *registry_base_open(const struct agent_context *c, const char *from,
			       struct registry_base *out)
{
	out->context = c;
	TRY(oci_ref_parse(from, &out->ref));
	out->name = oci_ref_format(&out->ref);
	out->source = (struct oci_source){
		.context = c,
		.document = get_document,
		.fetch_blob = fetch_blob,
		.self = out,
	};
	return NULL;
}

void registry_base_close(struct registry_base *r)
{
	oci_ref_release(&r->ref);
	free(r->name);
}
