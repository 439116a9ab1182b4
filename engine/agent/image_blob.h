/* SPDX-License-Identifier: MIT
 * image_blob.h - an image file from a server as the base of a stage.
 *
 * Purpose:   what agents share that fetch such a file into the store first, like a layer:
 *            it is dropped again once it is unpacked.
 * Ownership: nothing is handed out.
 * Threads:   called on a task's thread.
 * Errors:    those of `fetch`, and of image_file.h.
 */
#ifndef ENGINE_AGENT_IMAGE_BLOB_H
#define ENGINE_AGENT_IMAGE_BLOB_H

#include "engine/agent/agent.h"

/* Bring the file into the store as a blob; `watch` shows progress on the task. */
typedef struct err *(*image_blob_fetch)(void *self, const struct registry_watch *watch);

/* The file with the digest `file` becomes the base; when it is fetched, and what
 * `fingerprints` are, is as in image_file_bring(). */
NODISCARD struct err *image_blob_bring(const struct agent_context *c,
				       const struct digest *file, image_blob_fetch fetch,
				       void *self, const char *fingerprints,
				       struct agent_base *out);

#endif
