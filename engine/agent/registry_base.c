/* SPDX-License-Identifier: MIT
 * registry_base.c - see registry_base.h.
 */
#include "engine/agent/registry_base.h"

#include <stdlib.h>

#include "engine/agent/oci_document.h"
#include "engine/agent/resolved.h"

/* ---- resolving ---- */

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

struct tag_asking {
	const struct agent_context *context;
	const struct oci_ref *ref;
	const char *name;
};

static struct err *ask(void *self, struct digest *out)
{
	const struct tag_asking *a = self;
	struct registry_watch watch = oci_image_watch(a->context);

	return registry_base_blame(
		registry_resolve(a->context->registry, a->ref, &watch, out), a->name);
}

struct err *registry_base_resolve(const struct agent_context *c, const char *from,
				  struct digest *out)
{
	CLEANUP(oci_ref_release) struct oci_ref ref = OCI_REF_INIT;
	CLEANUP(freep) char *name = NULL;
	struct tag_asking asking = {.context = c, .ref = &ref};

	TRY(oci_ref_parse(from, &ref));
	if (digest_is_set(&ref.digest)) {
		*out = ref.digest;
		return NULL;
	}
	asking.name = name = oci_ref_format(&ref);
	return resolved_find(c, name, "'From: ...@sha256:...'", ask, &asking, out);
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
