/* SPDX-License-Identifier: MIT
 * image_file.h - an image file as the base of a stage: a SIF, or a bare squashfs.
 *
 * Purpose:   what all agents share that get such a file, from the host or from a server.
 * Ownership: descriptors are borrowed.
 * Threads:   called on a task's thread.
 * Errors:    ERR_CORRUPT (damaged or hostile), ERR_UNSUPPORTED (encrypted, ext3, another
 *            form), and those of unpack_layer().
 */
#ifndef ENGINE_AGENT_IMAGE_FILE_H
#define ENGINE_AGENT_IMAGE_FILE_H

#include "engine/agent/agent.h"

/* The file `fd`, whose content has the name `content`, becomes the base. */
NODISCARD struct err *image_file_bring(const struct agent_context *c, int fd,
				       const struct digest *content,
				       struct agent_base *out);

#endif
