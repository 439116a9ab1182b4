/* SPDX-License-Identifier: MIT
 * oci_layout.c - see oci_layout.h.
 */
#include "engine/agent/oci_layout.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "cache/blob.h"
#include "engine/agent/blob_copy.h"
#include "engine/oci/oci_manifest.h"

/* Only a regular file: a fifo would block us, a device may have no end. */
static struct err *open_part(const struct oci_layout *layout, const char *path, int *fd,
			     uint64_t *size)
{
	struct stat st;

	if (layout->is_confined)
		return archive_open_file(layout->fd, path, fd, size);
	TRY(fs_open(layout->fd, path, O_RDONLY | O_NONBLOCK, 0, fd));
	if (fstat(*fd, &st) != 0)
		return err_sys("'%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_new(ERR_CORRUPT, "'%s' is not a file", path);
	*size = (uint64_t)st.st_size;
	return NULL;
}

static struct err *open_blob(const struct oci_layout *layout, const struct digest *digest,
			     int *fd, uint64_t *size)
{
	char hex[DIGEST_TEXT_SIZE], path[DIGEST_TEXT_SIZE + 16];
	struct err *e;

	snprintf(path, sizeof(path), "blobs/sha256/%s", digest_hex(digest, hex));
	e = open_part(layout, path, fd, size);
	if (e && err_code(e) == ERR_NOTFOUND) {
		err_free(e);
		return err_new(ERR_CORRUPT, "it lacks '%s'", path);
	}
	return e;
}

/* ---- documents ---- */

static struct err *get_document(void *self, const struct digest *digest, struct buf *body,
				char **type)
{
	const struct oci_layout *layout = self;
	struct store *store = layout->context->store;
	CLEANUP(closep) int fd = -1;
	uint64_t size = 0;
	struct err *e = blob_read(store, digest, OCI_DOCUMENT_MAX, body);

	*type = NULL;
	if (!e)
		return NULL;
	err_ignore(e, "it is read from the layout");
	buf_clear(body);
	TRY(open_blob(layout, digest, &fd, &size));
	TRY(fs_read_fd(fd, OCI_DOCUMENT_MAX, body));
	return blob_put(store, digest, buf_text(body), body->len);
}

/* ---- blobs ---- */

static struct err *fetch_blob(void *self, const struct oci_descriptor *blob,
			      const struct registry_watch *watch)
{
	const struct oci_layout *layout = self;
	struct store *store = layout->context->store;
	CLEANUP(closep) int fd = -1;
	uint64_t size = 0;

	if (blob_exists(store, &blob->digest))
		return NULL;
	if (blob->data)
		return blob_put(store, &blob->digest, blob->data, (size_t)blob->size);
	TRY(open_blob(layout, &blob->digest, &fd, &size));
	return blob_copy(store, fd, size, blob, watch);
}

/* ---- the folder ---- */

static void begin(const struct agent_context *c, struct oci_layout *out)
{
	out->context = c;
	out->source = (struct oci_source){
		.context = c,
		.document = get_document,
		.fetch_blob = fetch_blob,
		.self = out,
	};
}

struct err *oci_layout_open(const struct agent_context *c, const char *path,
			    struct oci_layout *out)
{
	struct err *e = fs_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, &out->fd);

	if (e && err_code(e) == ERR_NOTFOUND) {
		err_free(e);
		return err_hint(
			err_new(ERR_USAGE, "there is no folder '%s' on this host", path),
			"a relative path starts at the current folder");
	}
	TRY(e);
	begin(c, out);
	return NULL;
}

struct err *oci_layout_open_archive(const struct agent_context *c,
				    const struct archive *archive, struct oci_layout *out)
{
	out->fd = fcntl(archive->fd, F_DUPFD_CLOEXEC, 3);
	if (out->fd < 0)
		return err_sys("the archive");
	out->is_confined = true;
	begin(c, out);
	return NULL;
}

void oci_layout_close(struct oci_layout *layout)
{
	closep(&layout->fd);
}

static struct err *read_index(const struct oci_layout *layout, struct buf *text)
{
	CLEANUP(closep) int fd = -1;
	uint64_t size = 0;
	struct err *e = open_part(layout, "index.json", &fd, &size);

	if (e && err_code(e) == ERR_NOTFOUND) {
		err_free(e);
		return err_hint(
			err_new(ERR_CORRUPT, "it has no 'index.json'"),
			"an OCI layout is what 'skopeo copy docker://... oci:DIR' "
			"makes");
	}
	TRY(e);
	return fs_read_fd(fd, OCI_DOCUMENT_MAX, text);
}

/* ---- one of its images ---- */

static const char *name_of(const cJSON *entry)
{
	return json_string(json_object(entry, "annotations"),
			   "org.opencontainers.image.ref.name");
}

/* How its images can be chosen. */
static void list_images(const cJSON *manifests, struct buf *out)
{
	const cJSON *entry;
	int n = 0;

	cJSON_ArrayForEach(entry, manifests)
	{
		const char *digest = json_string(entry, "digest");
		const char *name = name_of(entry);

		if (n++ < 5)
			buf_printf(out, "%s%.80s%s%.80s", n > 1 ? ", " : "",
				   name ? name : "", name ? " " : "",
				   digest ? digest : "?");
	}
	if (n > 5)
		buf_puts(out, ", ...");
}

static struct err *cannot_choose(const cJSON *manifests, const char *name)
{
	CLEANUP(buf_release) struct buf list = BUF_INIT;
	int n = cJSON_GetArraySize(manifests);
	struct err *e;

	list_images(manifests, &list);
	if (name)
		e = err_new(ERR_USAGE, "it does not have one image '%s', but %s", name,
			    buf_text(&list));
	else
		e = err_new(ERR_USAGE, "it has %d images: %s", n, buf_text(&list));
	return err_hint(e, "choose one: 'From: PATH:NAME', or 'From: PATH@sha256:...'");
}

/* NULL: none, or more than one. */
static const cJSON *find_image(const cJSON *manifests, const char *name)
{
	const cJSON *entry, *found = NULL;

	if (!name)
		return cJSON_GetArraySize(manifests) == 1
			       ? cJSON_GetArrayItem(manifests, 0)
			       : NULL;
	cJSON_ArrayForEach(entry, manifests)
	{
		const char *has = name_of(entry);

		if (!has || strcmp(has, name) != 0)
			continue;
		if (found)
			return NULL;
		found = entry;
	}
	return found;
}

struct err *oci_layout_choose(const struct oci_layout *layout, const char *name,
			      struct digest *out)
{
	CLEANUP(oci_descriptor_release) struct oci_descriptor entry = {0};
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(json_freep) cJSON *tree = NULL;
	const cJSON *manifests, *image;

	TRY(read_index(layout, &text));
	TRY(err_wrap(oci_document_parse(str_make(buf_text(&text), text.len), &tree),
		     "'index.json'"));
	manifests = json_array(tree, "manifests");
	if (cJSON_GetArraySize(manifests) == 0)
		return err_new(ERR_CORRUPT, "its 'index.json' names no image");
	image = find_image(manifests, name);
	if (!image)
		return cannot_choose(manifests, name);
	TRY(err_wrap(oci_descriptor_parse(image, &entry), "'index.json'"));
	*out = entry.digest;
	return NULL;
}
