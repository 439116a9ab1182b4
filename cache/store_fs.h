/* SPDX-License-Identifier: MIT
 * store_fs.h - can the store's filesystem do what writing to a store needs?
 *
 * Purpose:   locks (flock(2)) keep processes out of one another's way. On network
 *            filesystems only this machine sees them, or they are missing, depending on
 *            server and mount options; there is no way to find out. Nor does overlayfs
 *            accept such a filesystem. So such a folder is refused, with advice.
 * Threads:   any.
 * Errors:    ERR_UNSUPPORTED.
 */
#ifndef CACHE_STORE_FS_H
#define CACHE_STORE_FS_H

#include "cache/store.h"

NODISCARD struct err *store_fs_check(const struct store *s);
/* The name of a filesystem whose locks are unreliable; NULL for others.  `type` is
 * statfs(2)'s f_type. */
const char *store_fs_refused(uint32_t type);

#endif
