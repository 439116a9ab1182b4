/* SPDX-License-Identifier: MIT
 * seal.h - what a layer was when it was published.
 *
 * Purpose:   a digest over names, types, modes, owners, times, links, extended attributes
 *            and contents, and what the layer takes of the disk. It lies in an extended
 *            attribute of the layer's folder: so it appears and goes with the layer, and
 *            takes no file of its own. The attribute is one of those that overlayfs does
 *            not show (user.overlay.*).
 * Threads:   any.
 * Errors:    seal_read(): ERR_NOTFOUND for a folder without a seal. ERR_SYS.
 */
#ifndef CACHE_SEAL_H
#define CACHE_SEAL_H

#include "cache/usage.h"

struct seal {
	struct digest digest;
	struct usage usage;
};

/* Look at all of folder `name` below `dir_fd`. */
NODISCARD struct err *seal_compute(const struct store *s, int dir_fd, const char *name,
				   struct seal *out);
/* The same, and write it down there. */
NODISCARD struct err *seal_make(const struct store *s, int dir_fd, const char *name);
NODISCARD struct err *seal_read(int dir_fd, const char *name, struct seal *out);

#endif
