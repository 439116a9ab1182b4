/* SPDX-License-Identifier: MIT
 * docker_archive.h - an image in an archive as `docker save` writes it.
 *
 * Purpose:   `manifest.json` names, for each image, the files of its configuration and of
 *            its layers (moby, image/spec/v1.2.md; what podman and skopeo write is read,
 *            too: links, compressed layers). From it a manifest of a registry's form is
 *            made, and the rest is as for any image.
 * Ownership: nothing is handed out.
 * Threads:   called on a task's thread.
 * Errors:    ERR_USAGE when the image is not there, or is one of several; ERR_CORRUPT.
 */
#ifndef ENGINE_AGENT_DOCKER_ARCHIVE_H
#define ENGINE_AGENT_DOCKER_ARCHIVE_H

#include "engine/agent/archive.h"

/* `name`: "lab/tool:1", or "@N" for the N-th from 0; NULL: the only one.  `wanted`, NULL
 * for none, is what a daemon called it: the digest of its configuration, or of a manifest
 * that is in the archive, too. */
NODISCARD struct err *docker_archive_bring(const struct agent_context *c,
					   const struct archive *archive,
					   const char *name, const struct digest *wanted,
					   struct agent_base *out);

#endif
