/* SPDX-License-Identifier: MIT
 * oci_manifest.c - see oci_manifest.h.
 */
#include "engine/oci/oci_manifest.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/buf.h"
#include "base/json.h"

static const uint64_t LAYERS_MAX = 1000;

static const char OCI_INDEX_TYPE[] = "application/vnd.oci.image.index.v1+json";
static const char OCI_MANIFEST_TYPE[] = "application/vnd.oci.image.manifest.v1+json";
static const char DOCKER_LIST_TYPE[] =
	"application/vnd.docker.distribution.manifest.list.v2+json";
static const char DOCKER_MANIFEST_TYPE[] =
	"application/vnd.docker.distribution.manifest.v2+json";

struct oci_platform oci_platform_host(void)
{
	static const struct {
		const char *machine;
		struct oci_platform platform;
	} rows[] = {
		{"x86_64", {"linux", "amd64", NULL}},
		{"aarch64", {"linux", "arm64", "v8"}},
		{"ppc64le", {"linux", "ppc64le", NULL}},
		{"s390x", {"linux", "s390x", NULL}},
		{"riscv64", {"linux", "riscv64", NULL}},
		{"armv7l", {"linux", "arm", "v7"}},
		{"i686", {"linux", "386", NULL}},
		{"loongarch64", {"linux", "loong64", NULL}},
	};
	struct utsname name;

	uname(&name);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(name.machine, rows[i].machine) == 0)
			return rows[i].platform;
	return rows[0].platform;
}

/* ---- documents ---- */

static struct err *parse_document(struct str text, cJSON **out)
{
	TRY(json_parse(text, out));
	if (!cJSON_IsObject(*out))
		return err_new(ERR_CORRUPT, "the document is no JSON object");
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

/* Without a type that tells: an index has manifests, a manifest has configuration and
 * layers. What looks like both is an attack on one of two readers (CVE-2021-41190). */
static struct err *kind_of_members(const cJSON *tree, enum oci_kind *out)
{
	bool index = json_array(tree, "manifests") != NULL;
	bool manifest = json_object(tree, "config") || json_array(tree, "layers");
	uint64_t version = 0;

	if (index && manifest)
		return err_new(ERR_CORRUPT,
			       "the document is an index and a manifest at once");
	if (json_u64(tree, "schemaVersion", &version) && version == 1)
		return err_new(ERR_UNSUPPORTED, "the image has the old format (schema "
						"1), which is not supported");
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

	TRY(parse_document(text, &tree));
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

void oci_descriptor_release(struct oci_descriptor *d)
{
	free(d->media_type);
	*d = (struct oci_descriptor){0};
}

static struct err *parse_descriptor(const cJSON *item, struct oci_descriptor *out)
{
	const char *digest = json_string(item, "digest");
	const char *type = json_string(item, "mediaType");

	if (!digest || !digest_parse(str_of(digest), &out->digest) ||
	    out->digest.kind != DIGEST_SHA256)
		return err_new(ERR_CORRUPT, "a descriptor has no sha256 digest");
	if (!json_u64(item, "size", &out->size))
		return err_new(ERR_CORRUPT, "descriptor '%s' has no proper size", digest);
	out->media_type = xstrdup(type ? type : "");
	return NULL;
}

/* ---- index ---- */

/* How well an entry fits; 0: not at all.  x86-64 and 64-bit ARM have a base level that is
 * the same as none; of several that fit, the first of the best rank is taken. */
static unsigned fitness(const cJSON *entry, const struct oci_platform *want)
{
	const cJSON *platform = json_object(entry, "platform");
	const char *os = json_string(platform, "os");
	const char *architecture = json_string(platform, "architecture");
	const char *variant = json_string(platform, "variant");
	const char *wanted = want->variant ? want->variant : "";

	if (!os || !architecture || strcmp(os, want->os) != 0 ||
	    strcmp(architecture, want->architecture) != 0)
		return 0;
	variant = variant ? variant : "";
	if (strcmp(variant, wanted) == 0)
		return 3;
	if (variant[0] == '\0')
		return 2;
	if (strcmp(architecture, "amd64") == 0 && strcmp(variant, "v1") == 0)
		return 2;
	/* An older 32-bit ARM runs on a newer one. */
	return strcmp(architecture, "arm") == 0 && strcmp(variant, wanted) < 0 ? 1 : 0;
}

static bool is_image(const cJSON *entry)
{
	const char *type = json_string(entry, "mediaType");
	enum oci_kind kind;

	return cJSON_IsObject(entry) && !json_string(entry, "artifactType") &&
	       (!type || kind_of_type(str_of(type), &kind));
}

static struct err *nothing_fits(const cJSON *manifests, const struct oci_platform *want)
{
	CLEANUP(buf_release) struct buf there = BUF_INIT;
	const cJSON *entry;

	cJSON_ArrayForEach(entry, manifests)
	{
		const cJSON *platform = json_object(entry, "platform");
		const char *os = json_string(platform, "os");
		const char *architecture = json_string(platform, "architecture");

		if (os && architecture && strcmp(os, "unknown") != 0 && there.len < 512)
			buf_printf(&there, "%s%s/%s", there.len > 0 ? ", " : "", os,
				   architecture);
	}
	return err_new(ERR_NOTFOUND, "the image has nothing for %s/%s (it has: %s)",
		       want->os, want->architecture,
		       there.len > 0 ? buf_text(&there) : "nothing");
}

struct err *oci_index_choose(struct str text, const struct oci_platform *platform,
			     struct oci_descriptor *out)
{
	CLEANUP(json_freep) cJSON *tree = NULL;
	const cJSON *manifests, *entry, *best = NULL;
	unsigned best_fitness = 0;

	TRY(parse_document(text, &tree));
	manifests = json_array(tree, "manifests");
	cJSON_ArrayForEach(entry, manifests)
	{
		unsigned fit = is_image(entry) ? fitness(entry, platform) : 0;

		if (fit > best_fitness) {
			best = entry;
			best_fitness = fit;
		}
	}
	/* An index of one image need not say what it is for. */
	if (!best && cJSON_GetArraySize(manifests) == 1 &&
	    !json_object(manifests->child, "platform") && is_image(manifests->child))
		best = manifests->child;
	if (!best)
		return nothing_fits(manifests, platform);
	return parse_descriptor(best, out);
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

static bool is_image_config(const char *type)
{
	return strcmp(type, "application/vnd.oci.image.config.v1+json") == 0 ||
	       strcmp(type, "application/vnd.docker.container.image.v1+json") == 0;
}

static struct err *fill_manifest(const cJSON *tree, struct oci_manifest *out)
{
	const cJSON *config = json_object(tree, "config"),
		    *layers = json_array(tree, "layers");
	const cJSON *layer;
	int n = cJSON_GetArraySize(layers);

	if (!config || !layers)
		return err_new(ERR_CORRUPT, "the manifest lacks 'config' or 'layers'");
	TRY(parse_descriptor(config, &out->config));
	if (!is_image_config(out->config.media_type))
		return err_new(ERR_UNSUPPORTED, "this is no container image but '%s'",
			       out->config.media_type);
	if ((uint64_t)n > LAYERS_MAX)
		return err_new(ERR_CORRUPT, "%d layers", n);
	out->layers = xcalloc((size_t)n, sizeof(*out->layers));
	cJSON_ArrayForEach(layer, layers)
	{
		TRY(parse_descriptor(layer, &out->layers[out->n_layers]));
		out->n_layers++;
	}
	return NULL;
}

struct err *oci_manifest_parse(struct str text, struct oci_manifest *out)
{
	CLEANUP(json_freep) cJSON *tree = NULL;

	TRY(parse_document(text, &tree));
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
				       "'%s' holds something else than texts", name);
		(*out)[(*n)++] = xstrdup(text);
	}
	return NULL;
}

static struct err *take_diff_ids(const cJSON *tree, struct oci_config *out)
{
	const cJSON *rootfs = json_object(tree, "rootfs"), *item;
	const cJSON *array = json_array(rootfs, "diff_ids");
	const char *type = json_string(rootfs, "type");

	if (!array || !type || strcmp(type, "layers") != 0)
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

	TRY(err_wrap(parse_document(text, &tree), "image configuration"));
	return err_wrap(fill_config(tree, out), "image configuration");
}
