/* SPDX-License-Identifier: MIT
 * agent_docker.c - images from OCI registries.
 */
#include <stdlib.h>

#include "cache/blob.h"
#include "engine/agent/oci_layers.h"
#include "engine/agent/registry_base.h"

static struct err *docker_reference(const struct step_base *base, char **out,
				    bool *is_pinned)
{
	return registry_base_reference(base->from, out, is_pinned);
}

static struct err *docker_resolve(const struct agent_context *c,
				  const struct step_base *base, struct digest *out)
{
	return registry_base_resolve(c, base->from, out);
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

static struct err *fetch_config(const struct docker_source *s,
				const struct oci_descriptor *descriptor,
				struct oci_config *out)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct registry_watch watch = registry_base_watch(s->context);
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
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct oci_layers_request layers = {
		.context = s->context,
		.manifest = &manifest,
		.config = &out->config,
		.fetch = fetch_blob,
		.source = (void *)s,
	};

	TRY(registry_base_manifest(s->context, s->ref, resolved, &text, out));
	TRY(oci_manifest_parse(str_make(buf_text(&text), text.len), &manifest));
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
	return registry_base_blame(fetch_image(&source, resolved, out), name);
}

const struct agent agent_docker = {
	.name = "docker",
	.reference = docker_reference,
	.resolve = docker_resolve,
	.fetch = docker_fetch,
};
