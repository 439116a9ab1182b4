/* SPDX-License-Identifier: MIT
 * store_fs.h - can the store's filesystem do what a store that is written to needs?
 *
 * Purpose:   locks (flock(2)) keep processes out of one another's way. On network
 *            filesystems they are seen by this machine only, or are missing, depending on
 *            server and mount options; there is no way to find out. overlayfs takes none
 *            of them either. So such a folder is refused, with what to do.
 * Threads:   any.
 * Errors:    ERR_UNSUPPORTED.
 */
#ifndef CACHE_STORE_FS_H
#define CACHE_STORE_FS_H

#include "cache/store.h"

NODISCARD struct err *store_fs_check(const struct store *s);
/* What a filesystem whose locks cannot be relied on is called; NULL for others.  `type`
 * is statfs(2)'s f_type. */
const char *store_fs_refused(uint32_t type);

#endif
