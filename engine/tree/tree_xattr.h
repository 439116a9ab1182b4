/* SPDX-License-Identifier: MIT
 * tree_xattr.h - extended attributes of files in a root filesystem.
 *
 * Purpose:   setting, copying and clearing them; base/xattr_rules.h says which.
 * Threads:   any.
 * Errors:    ERR_SYS, ERR_NOSPACE, ERR_CORRUPT (one that no filesystem takes),
 *            ERR_UNSUPPORTED (this one has no room for it); an attribute that this user
 *            or filesystem cannot hold (EPERM, ENOTSUP) is not an error.
 */
#ifndef ENGINE_TREE_TREE_XATTR_H
#define ENGINE_TREE_TREE_XATTR_H

#include "base/err.h"

/* Set one on what `fd` is open on (not O_PATH); `*lost` counts what could not be kept. */
NODISCARD struct err *tree_xattr_set(int fd, const char *name, const void *value,
				     size_t size, uint64_t *lost);
/* From a layer to another (XATTR_CLONE): copy those that `to_fd` can hold. */
NODISCARD struct err *tree_xattr_copy(int from_fd, int to_fd);
/* Remove what a layer can have brought (XATTR_UNPACK): a later one declares the folder
 * again. */
NODISCARD struct err *tree_xattr_clear(int fd);

#endif
