/* SPDX-License-Identifier: MIT
 * tree_clone.h - a copy of a whole root filesystem, exact except for inode numbers.
 *
 * Purpose:   names, types, contents and holes, owners, modes, times, links, devices, and
 *            the extended attributes that later steps can see (base/xattr_rules.h).
 * Ownership: descriptors are borrowed.
 * Threads:   any; nothing else may change the folders meanwhile.
 * Errors:    ERR_SYS, ERR_NOSPACE, ERR_CANCELLED; with the path. What was copied stays.
 */
#ifndef ENGINE_TREE_TREE_CLONE_H
#define ENGINE_TREE_TREE_CLONE_H

#include "base/stop.h"

struct clone_request {
	int from_fd;  /* the root */
	int to_fd;    /* an empty folder */
	int aside_fd; /* another one on the same filesystem, which the caller removes */
	struct stop stop;
	/* Called with bytes read so far; may be NULL. */
	void (*progress)(void *context, uint64_t done);
	void *context;
};

NODISCARD struct err *tree_clone(const struct clone_request *request);

#endif
