/* SPDX-License-Identifier: MIT
 * seal.h - what a layer held when it was published.
 *
 * Purpose:   a digest over names, types, modes, owners, times, links, extended attributes
 *            and contents, and the disk space that the layer takes. It is kept in an
 *            extended attribute of the layer's folder: so it comes and goes with the
 *            layer, and needs no separate file. The attribute is one that overlayfs does
 *            not show (user.overlay.*).
 *
 *            The same walk gives the identity of a step's layer (identity.h): a digest
 *            over names, types, modes, owners as seen inside, texts of links, the
 *            attributes that are the image's (base/xattr_rules.h), which names are one
 *            file, contents, and what hides the layers below; no times, and nothing of
 *            the store. It is kept in an attribute next to the seal. A registry's layer
 *            already has its name, and gets none.
 * Threads:   any.
 * Errors:    seal_read(): ERR_NOTFOUND for a folder without a seal. seal_compute(),
 *            seal_make(): ERR_SYS, also for a file that is too large, naming its path;
 *            ERR_CANCELLED.
 */
#ifndef CACHE_SEAL_H
#define CACHE_SEAL_H

#include "base/parallel.h"
#include "base/size_limit.h"
#include "base/stop.h"
#include "cache/usage.h"

struct seal {
	unsigned version;
	struct digest digest;
	struct digest tree; /* SHA-256; unset: a layer of a registry */
	struct usage usage;
};

/* What to look at: folder `name` below `dir_fd`, and everything in it. */
struct seal_request {
	const struct store *store;
	int dir_fd;
	const char *name;
	bool has_name; /* a registry's layer: it needs no identity */
	/* Limit on the bytes of a file, and of all together, holes included; 0: none. */
	uint64_t max_file;
	struct stop stop;	  /* may be unset */
	struct parallel parallel; /* reads large files; may be unset */
};

NODISCARD struct err *seal_compute(const struct seal_request *request, struct seal *out);
/* The same, and write it down there. */
NODISCARD struct err *seal_make(const struct seal_request *request, struct seal *out);
NODISCARD struct err *seal_read(int dir_fd, const char *name, struct seal *out);
/* False for a seal of an earlier version, whose digest was computed differently. */
bool seal_is_comparable(const struct seal *seal);

#endif
