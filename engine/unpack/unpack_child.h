/* SPDX-License-Identifier: MIT
 * unpack_child.h - unpacking in the calling process.
 *
 * Purpose:   what the child process does, without the process around it; for the child
 *            and for the fuzzer.
 * Threads:   only in a process with one thread, with umask 0 and LC_CTYPE "C".
 * Errors:    as unpack.h.
 */
#ifndef ENGINE_UNPACK_UNPACK_CHILD_H
#define ENGINE_UNPACK_UNPACK_CHILD_H

#include "base/digest.h"
#include "engine/unpack/unpack.h"
#include "engine/unpack/unpack_writer.h"

struct unpack_job {
	int blob_fd, root_fd; /* borrowed; the root not O_PATH */
	enum unpack_mode mode;
	struct unpack_limits limits;
	struct digest diff_id; /* may be unset */
	uint64_t offset, size; /* UNPACK_IMAGE: of the squashfs in the file */
	void (*progress)(void *context, uint64_t done);
	void *context;
};

NODISCARD struct err *unpack_here(const struct unpack_job *job,
				  struct unpack_result *result);

#endif
