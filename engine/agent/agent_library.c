/* SPDX-License-Identifier: MIT
 * agent_library.c - a SIF of a library: `library://ENTITY/COLLECTION/CONTAINER:TAG`.
 *
 * Which library?  That of the reference, else that of the header `Library`, else the
 * user's (--library).  Without one it is an error, as for Apptainer: a server that nobody
 * named is not asked.
 */
#include <string.h>

#include "engine/agent/image_blob.h"
#include "engine/agent/image_file.h"
#include "engine/agent/oci_image.h"
#include "engine/agent/registry_base.h"
#include "engine/agent/resolved.h"
#include "engine/oci/library.h"

struct library_base {
	const struct agent_context *context;
	struct library_ref ref;
	char *name; /* for messages */
	struct digest file;
};

static void library_base_release(struct library_base *b)
{
	library_ref_release(&b->ref);
	free(b->name);
}

static struct err *no_server(const char *from)
{
	return err_hint(
		err_new(ERR_USAGE, "no library is named for the image '%s'", from),
		"name one: 'Library: https://HOST' in the header, or "
		"--library, or APPTAINER_LIBRARY; the public one of Sylabs is "
		"https://library.sylabs.io");
}

static struct err *library_base_open(const struct agent_context *c,
				     const struct step_base *base,
				     struct library_base *out)
{
	out->context = c;
	TRY(library_ref_parse(base->from, base->library, &out->ref));
	if (!out->ref.image.host)
		return no_server(base->from);
	out->name = library_ref_format(&out->ref);
	return NULL;
}

static struct err *library_reference(const struct step_base *base, char **out,
				     bool *is_pinned)
{
	CLEANUP(library_ref_release) struct library_ref ref = LIBRARY_REF_INIT;

	TRY(library_ref_parse(base->from, base->library, &ref));
	*out = library_ref_format(&ref);
	*is_pinned = digest_is_set(&ref.image.digest);
	return NULL;
}

static struct err *ask(void *self, struct digest *out)
{
	const struct library_base *b = self;
	const struct agent_context *c = b->context;
	struct registry_watch watch = oci_image_watch(c);

	return registry_base_blame(library_resolve(c->registry, &b->ref,
						   c->platform.architecture, &watch, out),
				   b->name);
}

static struct err *library_resolve_base(const struct agent_context *c,
					const struct step_base *base, struct digest *out)
{
	CLEANUP(library_base_release) struct library_base b = {0};
	CLEANUP(freep) char *name = NULL;

	TRY(image_file_check_headers(base));
	TRY(library_base_open(c, base, &b));
	if (digest_is_set(&b.ref.image.digest)) {
		*out = b.ref.image.digest;
		return NULL;
	}
	/* Each processor has its own file. */
	name = xasprintf("library %s (%s)", b.name, c->platform.architecture);
	return resolved_find(c, name, "'From: PATH:sha256.HEX'", ask, &b, out);
}

static struct err *fetch_file(void *self, const struct registry_watch *watch)
{
	const struct library_base *b = self;
	const struct agent_context *c = b->context;

	return library_fetch(c->registry, &b->ref, c->platform.architecture, &b->file,
			     c->store, watch);
}

static struct err *library_fetch_base(const struct agent_context *c,
				      const struct step_base *base,
				      const struct digest *resolved,
				      struct agent_base *out)
{
	CLEANUP(library_base_release) struct library_base b = {.file = *resolved};

	TRY(library_base_open(c, base, &b));
	return registry_base_blame(
		image_blob_bring(c, resolved, fetch_file, &b,
				 step_base_header(base, "fingerprints"), out),
		b.name);
}

const struct agent agent_library = {
	.name = "library",
	.reference = library_reference,
	.resolve = library_resolve_base,
	.fetch = library_fetch_base,
};
