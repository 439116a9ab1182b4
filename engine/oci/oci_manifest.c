/* SPDX-License-Identifier: MIT
 * oci_manifest.c - see oci_manifest.h.
 */
#include "engine/oci/oci_manifest.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"

static const uint64_t LAYERS_MAX = 1000;
/* Compressed, all together: more than any image, and than most disks. */
static const uint64_t LAYER_BYTES_MAX = UINT64_C(1) << 40;

static const char OCI_INDEX_TYPE[] = "application/vnd.oci.image.index.v1+json";
static const char OCI_MANIFEST_TYPE[] = "application/vnd.oci.image.manifest.v1+json";
static const char DOCKER_LIST_TYPE[] =
	"application/vnd.docker.distribution.manifest.list.v2+json";
static const char DOCKER_MANIFEST_TYPE[] =
	"application/vnd.docker.distribution.manifest.v2+json";

/* ---- documents ---- */

struct err *oci_document_parse(struct str text, cJSON **out)
{
	TRY(json_parse(text, out));
	if (!cJSON_IsObject(*out))
		return err_new(ERR_CORRUPT, "the document is not a JSON object");
	return NULL;
}

static bool kind_of_type(struct str type, enum oci_kind *out)
{
	if (str_is(type, OCI_INDEX_TYPE) || str_is(type, DOCKER_LIST_TYPE))
		*out = OCI_INDEX;
	else if (str_is(type, OCI_MANIFEST_TYPE) || str_is(type, DOCKER_MANIFEST_TYPE))
		*out = OCI_MANIFEST;
	else
		return false;
	return true;
}

bool oci_type_is_document(struct str type)
{
	enum oci_kind kind;

	return kind_of_type(type, &kind);
}

/* Judged by its members: an index has manifests, a manifest has a configuration and
 * layers.  A document that looks like both is an attack on one of two readers
 * (CVE-2021-41190). */
static struct err *kind_of_members(const cJSON *tree, enum oci_kind *out)
{
	bool index = json_array(tree, "manifests") != NULL;
	bool manifest = json_object(tree, "config") || json_array(tree, "layers");
	uint64_t version = 0;

	if (index && manifest)
		return err_new(ERR_CORRUPT,
			       "the document is both an index and a manifest");
	if (json_u64(tree, "schemaVersion", &version) && version == 1)
		return err_new(ERR_UNSUPPORTED, "the image has the old format (schema "
						"1), which is not supported");
	/* From a draft of OCI 1.1, for what is not an image. */
	if (json_array(tree, "blobs") && json_string(tree, "artifactType"))
		return err_new(ERR_UNSUPPORTED,
			       "this is not a container image but '%.100s'",
			       json_string(tree, "artifactType"));
	if (!index && !manifest)
		return err_new(ERR_CORRUPT,
			       "the document is neither an index nor a manifest");
	*out = index ? OCI_INDEX : OCI_MANIFEST;
	return NULL;
}

struct err *oci_document_kind(struct str text, const char *content_type,
			      enum oci_kind *out)
{
	CLEANUP(json_freep) cJSON *tree = NULL;
	const char *own;
	struct str type, parameters;
	enum oci_kind said;

	TRY(oci_document_parse(text, &tree));
	TRY(kind_of_members(tree, out));
	own = json_string(tree, "mediaType");
	str_cut(str_of(content_type), ';', &type, &parameters);
	if (own && kind_of_type(str_of(own), &said) && said != *out)
		return err_new(ERR_CORRUPT,
			       "the document is not what its mediaType says");
	if (kind_of_type(str_trim(type), &said) && said != *out)
		return err_new(ERR_CORRUPT,
			       "the document is not what its Content-Type says");
	return NULL;
}

/* ---- manifest ---- */

void oci_manifest_release(struct oci_manifest *m)
{
	oci_descriptor_release(&m->config);
	for (size_t i = 0; i < m->n_layers; i++)
		oci_descriptor_release(&m->layers[i]);
	free(m->layers);
	*m = (struct oci_manifest){0};
}

/* Types that say nothing of the content: then we look at the content. */
static bool is_generic(const char *type)
{
	static const char *const types[] = {
		"",
		"application/octet-stream",
		"application/json",
		"text/plain",
		"application/x-tar",
		"application/tar",
		"application/gzip",
		"application/x-gzip",
		"application/tar+gzip",
		"application/zstd",
	};

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (strcmp(type, types[i]) == 0)
			return true;
	return false;
}

static bool is_image_config(const char *type)
{
	return strcmp(type, "application/vnd.oci.image.config.v1+json") == 0 ||
	       strcmp(type, "application/vnd.docker.container.image.v1+json") == 0;
}

/* The layer itself tells how it is compressed. */
static bool is_layer(const char *type)
{
	static const char *const stems[] = {
		"application/vnd.oci.image.layer.v1.tar",
		"application/vnd.oci.image.layer.nondistributable.v1.tar",
		"application/vnd.docker.image.rootfs.diff.tar",
		"application/vnd.docker.image.rootfs.foreign.diff.tar",
	};
	static const char *const ends[] = {"", "+gzip", "+zstd", ".gzip", ".zstd"};

	for (size_t i = 0; i < ARRAY_LEN(stems); i++) {
		struct str rest = str_of(type);

		if (!str_starts_with(rest, stems[i]))
			continue;
		rest = str_slice(rest, strlen(stems[i]), rest.len);
		for (size_t k = 0; k < ARRAY_LEN(ends); k++)
			if (str_is(rest, ends[k]))
				return true;
	}
	return is_generic(type);
}

/* Registries also hold other things in the form of images. */
static struct err *no_image(const char *type)
{
	static const struct {
		const char *stem, *what;
	} rows[] = {
		{"application/vnd.cncf.helm.", "a Helm chart"},
		{"application/vnd.sylabs.sif.",
		 "a SIF image: write 'Bootstrap: oras' for it"},
		{"application/vnd.dev.cosign.", "a signature"},
		{"application/vnd.dev.sigstore.", "a signature"},
		{"application/vnd.in-toto", "an attestation"},
		{"application/vnd.docker.plugin.", "a plugin of docker"},
		{"application/vnd.wasm.", "a WebAssembly module"},
		{"application/vnd.oci.empty.", "an artifact of another kind"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (str_starts_with(str_of(type), rows[i].stem))
			return err_new(ERR_UNSUPPORTED,
				       "this is not a container image but %s ('%.100s')",
				       rows[i].what, type);
	if (str_ends_with(str_of(type), "+encrypted"))
		return err_new(ERR_UNSUPPORTED,
			       "the image's layers are encrypted ('%.100s')", type);
	return err_new(ERR_UNSUPPORTED, "this is not a container image but '%.100s'",
		       type);
}

static struct err *judge_config(const cJSON *tree, const struct oci_descriptor *config)
{
	const char *artifact = json_string(tree, "artifactType");

	if (artifact && !is_image_config(config->media_type))
		return no_image(artifact);
	if (!is_image_config(config->media_type) && !is_generic(config->media_type))
		return no_image(config->media_type);
	if (config->size > OCI_CONFIG_MAX)
		return err_new(ERR_CORRUPT,
			       "a configuration of %llu bytes, more than %llu",
			       (unsigned long long)config->size,
			       (unsigned long long)OCI_CONFIG_MAX);
	return NULL;
}

/* The same layer twice is usual; with two sizes it is a lie. */
static struct err *judge_layers(const struct oci_manifest *m)
{
	char digest[DIGEST_TEXT_SIZE];
	uint64_t total = 0;

	for (size_t i = 0; i < m->n_layers; i++) {
		const struct oci_descriptor *layer = &m->layers[i];

		if (!is_layer(layer->media_type))
			return err_wrap(no_image(layer->media_type), "layer %zu of %zu",
					i + 1, m->n_layers);
		for (size_t k = 0; k < i; k++)
			if (digest_equal(&m->layers[k].digest, &layer->digest) &&
			    m->layers[k].size != layer->size)
				return err_new(ERR_CORRUPT,
					       "layer '%s' is listed with two sizes",
					       digest_format(&layer->digest, digest));
		/* Sizes are below 2^53, and there are too few to overflow. */
		total += layer->size;
	}
	if (total > LAYER_BYTES_MAX)
		return err_new(ERR_CORRUPT, "layers of %llu GiB, more than %llu GiB",
			       (unsigned long long)(total >> 30),
			       (unsigned long long)(LAYER_BYTES_MAX >> 30));
	return NULL;
}

static struct err *fill_manifest(const cJSON *tree, struct oci_manifest *out)
{
	const cJSON *config = json_object(tree, "config"),
		    *layers = json_array(tree, "layers");
	const cJSON *layer;
	int n = cJSON_GetArraySize(layers);

	if (!config || !layers)
		return err_new(ERR_CORRUPT, "the manifest lacks 'config' or 'layers'");
	TRY(err_wrap(oci_descriptor_parse(config, &out->config), "'config'"));
	TRY(judge_config(tree, &out->config));
	if ((uint64_t)n > LAYERS_MAX)
		return err_new(ERR_CORRUPT, "%d layers, more than %llu", n,
			       (unsigned long long)LAYERS_MAX);
	out->layers = xcalloc((size_t)n, sizeof(*out->layers));
	cJSON_ArrayForEach(layer, layers)
	{
		struct oci_descriptor *next = &out->layers[out->n_layers];

		/* Counted first, so that a partly parsed descriptor is released, too. */
		out->n_layers++;
		TRY(err_wrap(oci_descriptor_parse(layer, next), "layer %zu of %d",
			     out->n_layers, n));
	}
	return judge_layers(out);
}

struct err *oci_manifest_parse(struct str text, struct oci_manifest *out)
{
	CLEANUP(json_freep) cJSON *tree = NULL;

	TRY(oci_document_parse(text, &tree));
	return fill_manifest(tree, out);
}

/* ---- configuration ---- */

static void free_texts(char **texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(texts[i]);
	free(texts);
}

void oci_config_release(struct oci_config *c)
{
	free(c->architecture);
	free(c->os);
	free(c->diff_ids);
	free_texts(c->env, c->n_env);
	free_texts(c->entrypoint, c->n_entrypoint);
	free_texts(c->cmd, c->n_cmd);
	free_texts(c->label_names, c->n_labels);
	free_texts(c->label_values, c->n_labels);
	free(c->working_dir);
	free(c->user);
	free(c->inner_json);
	*c = (struct oci_config){0};
}

static struct err *take_texts(const cJSON *object, const char *name, char ***out,
			      size_t *n)
{
	const cJSON *array = json_array(object, name), *item;

	if (!array)
		return NULL;
	*out = xcalloc((size_t)cJSON_GetArraySize(array), sizeof(**out));
	cJSON_ArrayForEach(item, array)
	{
		const char *text = cJSON_GetStringValue(item);

		if (!text)
			return err_new(ERR_CORRUPT,
				       "'%s' contains something other than strings",
				       name);
		(*out)[(*n)++] = xstrdup(text);
	}
	return NULL;
}

static struct err *take_diff_ids(const cJSON *tree, struct oci_config *out)
{
	const cJSON *rootfs = json_object(tree, "rootfs"), *item;
	const cJSON *array = json_array(rootfs, "diff_ids");
	const char *type = json_string(rootfs, "type");

	if (!array || (type && strcmp(type, "layers") != 0))
		return err_new(ERR_CORRUPT,
			       "the configuration has no 'rootfs' of layers");
	out->diff_ids =
		xcalloc((size_t)cJSON_GetArraySize(array), sizeof(*out->diff_ids));
	cJSON_ArrayForEach(item, array)
	{
		const char *text = cJSON_GetStringValue(item);

		if (!text ||
		    !digest_parse(str_of(text), &out->diff_ids[out->n_diff_ids]) ||
		    out->diff_ids[out->n_diff_ids].kind != DIGEST_SHA256)
			return err_new(ERR_CORRUPT,
				       "a diffID of the configuration is malformed");
		out->n_diff_ids++;
	}
	return NULL;
}

static void take_labels(const cJSON *config, struct oci_config *out)
{
	const cJSON *labels = json_object(config, "Labels"), *item;
	size_t n = (size_t)cJSON_GetArraySize(labels);

	out->label_names = xcalloc(n, sizeof(*out->label_names));
	out->label_values = xcalloc(n, sizeof(*out->label_values));
	cJSON_ArrayForEach(item, labels)
	{
		const char *value = cJSON_GetStringValue(item);

		if (!value)
			continue;
		out->label_names[out->n_labels] = xstrdup(item->string);
		out->label_values[out->n_labels++] = xstrdup(value);
	}
}

static char *copy_or_null(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

static struct err *fill_config(const cJSON *tree, struct oci_config *out)
{
	const cJSON *config = json_object(tree, "config");

	out->architecture = copy_or_null(json_string(tree, "architecture"));
	out->os = copy_or_null(json_string(tree, "os"));
	TRY(take_diff_ids(tree, out));
	TRY(take_texts(config, "Env", &out->env, &out->n_env));
	TRY(take_texts(config, "Entrypoint", &out->entrypoint, &out->n_entrypoint));
	TRY(take_texts(config, "Cmd", &out->cmd, &out->n_cmd));
	take_labels(config, out);
	out->working_dir = copy_or_null(json_string(config, "WorkingDir"));
	out->user = copy_or_null(json_string(config, "User"));
	out->inner_json = config ? json_print(config) : xstrdup("{}");
	return NULL;
}

struct err *oci_config_parse(struct str text, struct oci_config *out)
{
	CLEANUP(json_freep) cJSON *tree = NULL;

	TRY(err_wrap(oci_document_parse(text, &tree), "image configuration"));
	return err_wrap(fill_config(tree, out), "image configuration");
}
