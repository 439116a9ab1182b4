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
#include "engine/oci/oci_manifest.h"

enum { CHUNK = 128 * 1024 };

/* Only a regular file: a fifo would block us, a device may have no end. */
static struct err *open_part(const struct oci_layout *layout, const char *path, int *fd,
			     uint64_t *size)
{
	struct stat st;

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
		return err_new(ERR_CORRUPT, "the folder lacks '%s'", path);
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
	err_ignore(e, "it is read from the folder");
	buf_clear(body);
	TRY(open_blob(layout, digest, &fd, &size));
	TRY(fs_read_fd(fd, OCI_DOCUMENT_MAX, body));
	return blob_put(store, digest, buf_text(body), body->len);
}

/* ---- blobs ---- */

static struct err *copy_blob(int fd, const struct registry_watch *watch, uint64_t size,
			     struct blob_writer *to)
{
	CLEANUP(freep) unsigned char *chunk = xmalloc(CHUNK);
	uint64_t done = 0;

	for (;;) {
		ssize_t n = read(fd, chunk, CHUNK);

		if (n < 0)
			return err_sys("read");
		if (n == 0)
			return NULL;
		TRY(cancel_check(watch->cancel));
		TRY(blob_writer_write(to, chunk, (size_t)n));
		done += (uint64_t)n;
		if (watch->progress)
			watch->progress(watch->context, done, size);
	}
}

static struct err *fetch_blob(void *self, const struct oci_descriptor *blob,
			      const struct registry_watch *watch)
{
	const struct oci_layout *layout = self;
	struct store *store = layout->context->store;
	CLEANUP(blob_writer_releasep) struct blob_writer *to = NULL;
	CLEANUP(closep) int fd = -1;
	uint64_t size = 0;

	if (blob_exists(store, &blob->digest))
		return NULL;
	if (blob->data)
		return blob_put(store, &blob->digest, blob->data, (size_t)blob->size);
	TRY(open_blob(layout, &blob->digest, &fd, &size));
	if (size != blob->size)
		return err_new(ERR_CORRUPT,
			       "a blob has %llu bytes, and its descriptor says %llu",
			       (unsigned long long)size, (unsigned long long)blob->size);
	TRY(blob_writer_open(store, &blob->digest, size, &to));
	/* What an interrupted run has copied is copied again: that is cheaper than to
	 * find out whether it fits. */
	if (blob_writer_have(to) > 0)
		TRY(blob_writer_restart(to));
	TRY(copy_blob(fd, watch, size, to));
	return blob_writer_finish(to);
}

/* ---- the folder ---- */

struct err *oci_layout_open(const struct agent_context *c, const char *path,
			    struct oci_layout *out)
{
	struct err *e;

	out->context = c;
	e = fs_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0, &out->fd);
	if (e && err_code(e) == ERR_NOTFOUND) {
		err_free(e);
		return err_hint(
			err_new(ERR_USAGE, "there is no folder '%s' on this host", path),
			"a relative path starts at the current folder");
	}
	TRY(e);
	out->source = (struct oci_source){
		.context = c,
		.document = get_document,
		.fetch_blob = fetch_blob,
		.self = out,
	};
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

static struct err *many_images(const cJSON *manifests)
{
	CLEANUP(buf_release) struct buf names = BUF_INIT;
	const cJSON *entry;
	int n = 0;

	cJSON_ArrayForEach(entry, manifests)
	{
		const char *digest = json_string(entry, "digest");

		if (n++ < 5)
			buf_printf(&names, "%s%.80s", n > 1 ? ", " : "",
				   digest ? digest : "?");
	}
	return err_hint(err_new(ERR_USAGE, "it has %d images: %s%s", n, buf_text(&names),
				n > 5 ? ", ..." : ""),
			"choose one: 'From: FOLDER@sha256:...'");
}

struct err *oci_layout_choose(const struct oci_layout *layout, struct digest *out)
{
	CLEANUP(oci_descriptor_release) struct oci_descriptor entry = {0};
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(json_freep) cJSON *tree = NULL;
	const cJSON *manifests;

	TRY(read_index(layout, &text));
	TRY(err_wrap(oci_document_parse(str_make(buf_text(&text), text.len), &tree),
		     "'index.json'"));
	manifests = json_array(tree, "manifests");
	if (cJSON_GetArraySize(manifests) == 0)
		return err_new(ERR_CORRUPT, "its 'index.json' names no image");
	if (cJSON_GetArraySize(manifests) > 1)
		return many_images(manifests);
	TRY(err_wrap(oci_descriptor_parse(cJSON_GetArrayItem(manifests, 0), &entry),
		     "'index.json'"));
	*out = entry.digest;
	return NULL;
}
