/* SPDX-License-Identifier: MIT
 * base_files.h - the files that every Apptainer image holds: /.singularity.d and others.
 *
 * Purpose:   written on top of what the agent fetched, before anything else of the stage
 *            runs. Paths and roles are those that Apptainer's runtime expects.
 * Ownership: nothing is kept.
 * Threads:   any.
 * Errors:    as root_file.h.
 */
#ifndef ENGINE_META_BASE_FILES_H
#define ENGINE_META_BASE_FILES_H

#include "base/err.h"

/* What the base is. */
enum base_kind {
	BASE_IS_FOREIGN, /* it knows nothing of Apptainer */
	BASE_IS_IMAGE,	 /* an image with such files, which stay; only what is missing is
			    added */
};

NODISCARD struct err *base_files_write(int root_fd, enum base_kind kind);

#endif
