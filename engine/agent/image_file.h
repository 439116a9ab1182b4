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
#include "engine/tree/file_content.h"

/* Gives the file when it must be unpacked. */
struct image_source {
	/* Open it for reading; `*fd` is the caller's. */
	struct err *(*open)(void *self, int *fd);
	/* After it was read, successfully or not: an error if it did not stay what
	 * `content` names, since then nothing that was read counts.  NULL: it cannot
	 * change. */
	struct err *(*check)(void *self);
	void *self;
};

/* The file whose content has the name `content` becomes the base.  It is not opened if
 * another step, or an earlier run, has unpacked it, unless `fingerprints` (the header's;
 * NULL: none) asks for signatures: image_signers.h. */
NODISCARD struct err *image_file_bring(const struct agent_context *c,
				       const struct digest *content,
				       const struct image_source *source,
				       const char *fingerprints, struct agent_base *out);
/* How an image of this host is read: with the memo, and progress on the task. */
struct file_reading image_file_reading(const struct agent_context *c);
/* The error for another form of image, whose signers are asked for. */
NODISCARD struct err *image_file_no_signatures(void);
/* The error for one that does not stay what it was named after. */
NODISCARD struct err *image_file_changed(void);
/* Are the headers for such files in order? */
NODISCARD struct err *image_file_check_headers(const struct step_base *base);

#endif
