/* SPDX-License-Identifier: MIT
 * image_blob.c - see image_blob.h.
 */
#include "engine/agent/image_blob.h"

#include "cache/blob.h"
#include "engine/agent/image_file.h"
#include "engine/agent/oci_image.h"

struct image_blob {
	const struct agent_context *context;
	const struct digest *file;
	image_blob_fetch fetch;
	void *self;
};

static void on_received(void *task, uint64_t done, uint64_t total)
{
	task_progress(task, "downloading", done, total);
}

static struct err *open_blob(void *self, int *fd)
{
	const struct image_blob *b = self;
	struct registry_watch watch = oci_image_watch(b->context);

	watch.progress = on_received;
	TRY(b->fetch(b->self, &watch));
	return blob_open(b->context->store, b->file, fd, NULL);
}

struct err *image_blob_bring(const struct agent_context *c, const struct digest *file,
			     image_blob_fetch fetch, void *self, const char *fingerprints,
			     struct agent_base *out)
{
	struct image_blob blob = {c, file, fetch, self};
	struct image_source source = {.open = open_blob, .self = &blob};

	TRY(image_file_bring(c, file, &source, fingerprints, out));
	blob_spend(c->store, file);
	return NULL;
}
