/* SPDX-License-Identifier: MIT
 * host_probe.h - what the host's files are, with as little work as possible.
 *
 * Purpose:   the digest that tree_walk.h gives for the same source, without copying. An
 *            unchanged file that the memo knows costs one fstatat(2) and is not opened; a
 *            folder is listed with large reads. The helpers, if any, share the work on
 *            large trees.
 * Threads:   any; it uses others.
 * Errors:    as tree_walk.h.
 */
#ifndef ENGINE_TREE_HOST_PROBE_H
#define ENGINE_TREE_HOST_PROBE_H

#include <sys/stat.h>

#include "base/parallel.h"
#include "engine/tree/file_content.h"

/* Add to `hasher` what `fd` (from tree_walk_open()), with stat `st`, is open on. */
NODISCARD struct err *host_probe_source(const struct file_reading *how,
					const struct parallel *helpers, int fd,
					const struct stat *st, struct hasher *hasher);

#endif
