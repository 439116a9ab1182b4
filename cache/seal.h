/* SPDX-License-Identifier: MIT
 * seal.h - what a layer was when it was published.
 *
 * Purpose:   a digest over names, types, modes, owners, times, links, extended attributes
 *            and contents, and what the layer takes of the disk. It lies in an extended
 *            attribute of the layer's folder: so it appears and goes with the layer, and
 *            takes no file of its own. The attribute is one of those that overlayfs does
 *            not show (user.overlay.*).
 * Threads:   any.
 * Errors:    seal_read(): ERR_NOTFOUND for a folder without a seal. seal_compute(),
 *            seal_make(): ERR_SYS, also for a file that is too large, with its path;
 *            ERR_CANCELLED.
 */
#ifndef CACHE_SEAL_H
#define CACHE_SEAL_H

#include "base/size_limit.h"
#include "base/stop.h"
#include "cache/usage.h"

struct seal {
	unsigned version;
	struct digest digest;
	struct usage usage;
};

/* What to look at: folder `name` below `dir_fd`, and all in it. */
struct seal_request {
	const struct store *store;
	int dir_fd;
	const char *name;
	uint64_t
		max_file; /* bytes of a file, and of all together, holes included; 0: no limit */
	struct stop stop; /* may be unset */
};

NODISCARD struct err *seal_compute(const struct seal_request *request, struct seal *out);
/* The same, and write it down there. */
NODISCARD struct err *seal_make(const struct seal_request *request);
NODISCARD struct err *seal_read(int dir_fd, const char *name, struct seal *out);
/* False for a seal of an earlier version, whose digest was made in another way. */
bool seal_is_comparable(const struct seal *seal);

#endif
