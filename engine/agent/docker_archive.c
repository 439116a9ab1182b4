/* SPDX-License-Identifier: MIT
 * docker_archive.c - see docker_archive.h.
 */
#include "engine/agent/docker_archive.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/vec.h"
#include "cache/blob.h"
#include "engine/agent/blob_copy.h"
#include "engine/agent/oci_image.h"
#include "engine/tree/file_content.h"

static const char CONFIG_TYPE[] = "application/vnd.docker.container.image.v1+json";
static const char LAYER_TYPE[] = "application/vnd.docker.image.rootfs.diff.tar";
static const char MANIFEST_TYPE[] =
	"application/vnd.docker.distribution.manifest.v2+json";

/* A file of the archive that is a blob of the image. */
struct member {
	char *path;
	struct digest digest;
};

struct docker_archive {
	const struct agent_context *context;
	int fd; /* the folder */
	VEC(struct member) members;
	struct buf manifest; /* of the registry's form */
	struct digest manifest_digest;
	struct digest config;
};

static void docker_archive_release(struct docker_archive *a)
{
	for (size_t i = 0; i < a->members.len; i++)
		free(a->members.items[i].path);
	vec_free(&a->members);
	buf_release(&a->manifest);
}

/* ---- which image ---- */

static struct err *read_json(const struct docker_archive *a, const char *path, size_t max,
			     struct buf *text)
{
	CLEANUP(closep) int fd = -1;
	uint64_t size = 0;
	struct err *e = archive_open_file(a->fd, path, &fd, &size);

	if (e && err_code(e) == ERR_NOTFOUND) {
		err_free(e);
		return err_new(ERR_CORRUPT, "it lacks '%s'", path);
	}
	TRY(e);
	return fs_read_fd(fd, max, text);
}

/* As a registry would name it: "tool" and "docker.io/library/tool:latest" are the
 * same. */
static char *full_name(const char *name)
{
	CLEANUP(oci_ref_release) struct oci_ref ref = OCI_REF_INIT;
	struct err *e = oci_ref_parse(name, &ref);

	if (!e)
		return oci_ref_format(&ref);
	err_ignore(e, "compared as it is");
	return xstrdup(name);
}

static bool has_name(const cJSON *image, const char *full)
{
	const cJSON *tag;

	cJSON_ArrayForEach(tag, json_array(image, "RepoTags"))
	{
		CLEANUP(freep) char *other = NULL;

		if (!cJSON_IsString(tag))
			continue;
		other = full_name(tag->valuestring);
		if (strcmp(other, full) == 0)
			return true;
	}
	return false;
}

/* NULL: it is not there, or one of several. */
static const cJSON *find_image(const cJSON *images, const char *name)
{
	CLEANUP(freep) char *full = NULL;
	const cJSON *image;
	uint64_t index = 0;

	if (!name)
		return cJSON_GetArraySize(images) == 1 ? cJSON_GetArrayItem(images, 0)
						       : NULL;
	if (name[0] == '@')
		return str_to_u64(str_of(name + 1), &index) && index < INT32_MAX
			       ? cJSON_GetArrayItem(images, (int)index)
			       : NULL;
	full = full_name(name);
	cJSON_ArrayForEach(image, images)
	{
		if (has_name(image, full))
			return image;
	}
	return NULL;
}

static struct err *cannot_choose(const cJSON *images, const char *name)
{
	CLEANUP(buf_release) struct buf list = BUF_INIT;
	const cJSON *image, *tag;
	size_t n = 0;
	struct err *e;

	cJSON_ArrayForEach(image, images)
	{
		cJSON_ArrayForEach(tag, json_array(image, "RepoTags"))
		{
			if (cJSON_IsString(tag) && n++ < 8)
				buf_printf(&list, "%s%.120s", n > 1 ? ", " : "",
					   tag->valuestring);
		}
	}
	if (name)
		e = err_new(ERR_USAGE, "it has no image '%s', but %s", name,
			    n > 0 ? buf_text(&list) : "images without names");
	else
		e = err_new(ERR_USAGE, "it has %d images: %s", cJSON_GetArraySize(images),
			    n > 0 ? buf_text(&list) : "none has a name");
	return err_hint(e, "choose one: 'From: FILE:NAME:TAG', or 'From: FILE:@N', from "
			   "0");
}

/* ---- its files ---- */

static void add_descriptor(cJSON *item, const char *type, const struct digest *digest,
			   uint64_t size)
{
	char text[DIGEST_TEXT_SIZE];

	cJSON_AddStringToObject(item, "mediaType", type);
	json_add_u64(item, "size", size);
	cJSON_AddStringToObject(item, "digest", digest_format(digest, text));
}

static void add_member(struct docker_archive *a, const char *path,
		       const struct digest *digest)
{
	struct member member = {xstrdup(path), *digest};

	vec_push(&a->members, member);
}

static struct err *hash_file(const struct docker_archive *a, int fd, struct digest *out)
{
	CLEANUP(hasher_freep) struct hasher *h = hasher_new(DIGEST_SHA256, NULL);
	CLEANUP(freep) unsigned char *chunk = xmalloc(KIB(128));
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, chunk, KIB(128), at)) > 0) {
		TRY(cancel_check(task_cancel(a->context->task)));
		hasher_update(h, chunk, (size_t)n);
		at += n;
	}
	if (n < 0)
		return err_sys("read");
	*out = hasher_final(h);
	return NULL;
}

/* A tar has its magic at 257 (POSIX, ustar); the empty one is zeros.  What begins
 * otherwise is compressed, and its digest is another than that of the tar in it. */
static bool is_tar(int fd)
{
	char head[512] = {0};
	ssize_t n = pread(fd, head, sizeof(head), 0);

	return n == (ssize_t)sizeof(head) &&
	       (memcmp(head + 257, "ustar", 5) == 0 || head[0] == '\0');
}

static struct err *add_layer(struct docker_archive *a, const cJSON *path,
			     const struct digest *diff_id, cJSON *layers)
{
	cJSON *item = cJSON_CreateObject();
	CLEANUP(closep) int fd = -1;
	struct digest digest = *diff_id;
	uint64_t size = 0;

	cJSON_AddItemToArray(layers, item);
	if (!cJSON_IsString(path))
		return err_new(ERR_CORRUPT, "a layer in 'manifest.json' is not a path");
	TRY(archive_open_file(a->fd, path->valuestring, &fd, &size));
	if (!is_tar(fd))
		TRY(hash_file(a, fd, &digest));
	add_member(a, path->valuestring, &digest);
	add_descriptor(item, LAYER_TYPE, &digest, size);
	return NULL;
}

static struct err *add_layers(struct docker_archive *a, const cJSON *paths,
			      const struct oci_config *config, cJSON *layers)
{
	const cJSON *path;
	size_t n = 0;

	if ((size_t)cJSON_GetArraySize(paths) != config->n_diff_ids)
		return err_new(ERR_CORRUPT,
			       "'manifest.json' has %d layers, and the configuration %zu",
			       cJSON_GetArraySize(paths), config->n_diff_ids);
	cJSON_ArrayForEach(path, paths)
	{
		TRY(add_layer(a, path, &config->diff_ids[n++], layers));
	}
	return NULL;
}

static struct err *add_all(struct docker_archive *a, const cJSON *image, cJSON *manifest)
{
	CLEANUP(oci_config_release) struct oci_config config = {0};
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	const char *path = json_string(image, "Config");
	cJSON *item = cJSON_AddObjectToObject(manifest, "config");
	struct digest digest;

	if (!path)
		return err_new(ERR_CORRUPT, "'manifest.json' names no configuration");
	TRY(read_json(a, path, OCI_CONFIG_MAX, &text));
	digest = digest_bytes(DIGEST_SHA256, NULL, buf_text(&text), text.len);
	a->config = digest;
	TRY(oci_config_parse(str_make(buf_text(&text), text.len), &config));
	add_member(a, path, &digest);
	add_descriptor(item, CONFIG_TYPE, &digest, text.len);
	return add_layers(a, json_array(image, "Layers"), &config,
			  cJSON_AddArrayToObject(manifest, "layers"));
}

static struct err *make_manifest(struct docker_archive *a, const cJSON *image)
{
	CLEANUP(json_freep) cJSON *manifest = cJSON_CreateObject();
	CLEANUP(freep) char *text = NULL;

	json_add_u64(manifest, "schemaVersion", 2);
	cJSON_AddStringToObject(manifest, "mediaType", MANIFEST_TYPE);
	TRY(add_all(a, image, manifest));
	text = json_print(manifest);
	buf_puts(&a->manifest, text);
	a->manifest_digest = digest_bytes(DIGEST_SHA256, NULL, text, strlen(text));
	return NULL;
}

/* ---- as a source ---- */

static struct err *get_document(void *self, const struct digest *digest, struct buf *body,
				char **type)
{
	const struct docker_archive *a = self;

	if (!digest_equal(digest, &a->manifest_digest))
		return err_new(ERR_CORRUPT, "it has no other manifest");
	buf_append(body, buf_text(&a->manifest), a->manifest.len);
	*type = xstrdup(MANIFEST_TYPE);
	return NULL;
}

static struct err *fetch_blob(void *self, const struct oci_descriptor *blob,
			      const struct registry_watch *watch)
{
	const struct docker_archive *a = self;
	struct store *store = a->context->store;
	CLEANUP(closep) int fd = -1;
	uint64_t size = 0;
	size_t i = 0;

	if (blob_exists(store, &blob->digest))
		return NULL;
	while (i < a->members.len &&
	       !digest_equal(&a->members.items[i].digest, &blob->digest))
		i++;
	assert(i < a->members.len);
	TRY(archive_open_file(a->fd, a->members.items[i].path, &fd, &size));
	return err_wrap(blob_copy(store, fd, size, blob, watch), "'%s'",
			a->members.items[i].path);
}

static struct err *choose(const struct docker_archive *a, const char *name,
			  cJSON **images, const cJSON **image)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct err *e = read_json(a, "manifest.json", OCI_DOCUMENT_MAX, &text);

	if (e)
		return err_hint(e, "such an archive is what 'docker save' writes; for a "
				   "tar of an OCI layout write 'Bootstrap: oci-archive'");
	TRY(err_wrap(json_parse(str_make(buf_text(&text), text.len), images),
		     "'manifest.json'"));
	if (!cJSON_IsArray(*images) || cJSON_GetArraySize(*images) == 0)
		return err_new(ERR_CORRUPT, "its 'manifest.json' names no image");
	*image = find_image(*images, name);
	return *image ? NULL : cannot_choose(*images, name);
}

/* A document of the OCI layout that such an archive is as well. */
static bool read_document(const struct docker_archive *a, const struct digest *digest,
			  cJSON **out)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	char hex[DIGEST_TEXT_SIZE], path[DIGEST_TEXT_SIZE + 16];
	struct digest is;
	struct err *e;

	snprintf(path, sizeof(path), "blobs/sha256/%s", digest_hex(digest, hex));
	e = read_json(a, path, OCI_DOCUMENT_MAX, &text);
	if (!e) {
		is = digest_bytes(DIGEST_SHA256, NULL, buf_text(&text), text.len);
		e = digest_equal(&is, digest)
			    ? oci_document_parse(str_make(buf_text(&text), text.len), out)
			    : err_new(ERR_CORRUPT, "it is another document");
	}
	if (!e)
		return true;
	err_ignore(e, "it is not there, then");
	return false;
}

/* Does the manifest, or one of the manifests of the index, have our configuration? */
// NOLINTNEXTLINE(misc-no-recursion): an index in an index is not looked at
static bool leads_here(const struct docker_archive *a, const struct digest *digest,
		       bool may_be_index)
{
	CLEANUP(json_freep) cJSON *tree = NULL;
	char own[DIGEST_TEXT_SIZE];
	const char *config;
	const cJSON *entry;

	if (!read_document(a, digest, &tree))
		return false;
	config = json_string(json_object(tree, "config"), "digest");
	if (config && strcmp(config, digest_format(&a->config, own)) == 0)
		return true;
	cJSON_ArrayForEach(entry, json_array(tree, "manifests"))
	{
		const char *text = json_string(entry, "digest");
		struct digest next;

		if (may_be_index && text && digest_parse(str_of(text), &next) &&
		    leads_here(a, &next, false))
			return true;
	}
	return false;
}

/* A daemon with containerd's store gives the digest of a manifest, or of an index. */
static struct err *check_wanted(const struct docker_archive *a,
				const struct digest *wanted)
{
	char text[DIGEST_TEXT_SIZE];

	if (!wanted || digest_equal(wanted, &a->config) || leads_here(a, wanted, true))
		return NULL;
	return err_new(ERR_CORRUPT, "the archive is not of the image '%s'",
		       digest_format(wanted, text));
}

struct err *docker_archive_bring(const struct agent_context *c,
				 const struct archive *archive, const char *name,
				 const struct digest *wanted, struct agent_base *out)
{
	CLEANUP(docker_archive_release)
	struct docker_archive a = {.context = c, .fd = archive->fd};
	CLEANUP(json_freep) cJSON *images = NULL;
	const cJSON *image = NULL;
	struct oci_source source = {
		.context = c,
		.document = get_document,
		.fetch_blob = fetch_blob,
		.self = &a,
	};

	TRY(choose(&a, name, &images, &image));
	TRY(make_manifest(&a, image));
	TRY(check_wanted(&a, wanted));
	return oci_image_bring(&source, &a.manifest_digest, out);
}
