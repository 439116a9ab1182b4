/* SPDX-License-Identifier: MIT
 * archive.h - an image archive, a tar of a few files, in a temporary folder of the store.
 *
 * Purpose:   archives are read like layers: by the same confined process, compressed or
 *            not. What is in the folder came from a stranger: path_open() opens it.
 *
 *            Rejected: to read the members where they are in the archive. That saves a
 *            copy of what is not compressed, and needs a reader of tar in this process.
 * Ownership: archive_close() ends one, and removes the folder.
 * Threads:   called on a task's thread.
 * Errors:    those of unpack_layer() and of the store.
 */
#ifndef ENGINE_AGENT_ARCHIVE_H
#define ENGINE_AGENT_ARCHIVE_H

#include "engine/agent/agent.h"

struct archive {
	struct scratch scratch;
	int fd; /* the folder */
};

#define ARCHIVE_INIT                                                                     \
	{                                                                                \
		SCRATCH_INIT, -1                                                         \
	}

/* Unpack the file `fd` of `size` bytes; close it also after an error. */
NODISCARD struct err *archive_open(const struct agent_context *c, int fd, uint64_t size,
				   struct archive *out);
void archive_close(struct archive *a);
/* Open a regular file in it; `*size` is in bytes. */
NODISCARD struct err *archive_open_file(int folder_fd, const char *path, int *fd,
					uint64_t *size);

#endif
