/* SPDX-License-Identifier: MIT
 * tree_xattr.h - extended attributes of files in a root filesystem.
 *
 * Purpose:   which attributes belong to an image and which to this host or to overlayfs,
 *            and how they are set, copied and cleared.
 * Threads:   any.
 * Errors:    ERR_SYS, ERR_NOSPACE, ERR_CORRUPT (one that no filesystem takes), ERR_UNSUPPORTED
 *            (this one has no room for it); an attribute that this user or filesystem cannot hold
 *            (EPERM, ENOTSUP) is no error.
 */
#ifndef ENGINE_TREE_TREE_XATTR_H
#define ENGINE_TREE_TREE_XATTR_H

#include "base/err.h"

/* False for overlayfs's own marks, in both name spaces, and for labels that mean
 * something on the host only. */
bool tree_xattr_belongs(const char *name);
/* Set one on what `fd` is open on (not O_PATH); `*lost` counts what could not be kept. */
NODISCARD struct err *tree_xattr_set(int fd, const char *name, const void *value,
				     size_t size, uint64_t *lost);
/* Copy those that belong, where they can be kept. */
NODISCARD struct err *tree_xattr_copy(int from_fd, int to_fd);
/* Remove those that belong. */
NODISCARD struct err *tree_xattr_clear(int fd);

#endif
