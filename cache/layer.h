/* SPDX-License-Identifier: MIT
 * layer.h - layers of the store, and chains of them.
 *
 * Purpose:   a layer is a folder in overlayfs form (marks are `userxattr`); a snapshot is
 *            a chain of layers, bottom first: a root filesystem at one point in time.
 * Ownership: struct snapshot owns its array: snapshot_release().
 * Threads:   any.
 * Errors:    layer_publish(): ERR_NOSPACE, and the errors of seal_make().
 *            snapshot_check(): ERR_CORRUPT, ERR_SYS.
 */
#ifndef CACHE_LAYER_H
#define CACHE_LAYER_H

#include "cache/identity.h"
#include "cache/seal.h"
#include "cache/store.h"

struct layer_id {
	/* [a-z2-7], NUL-terminated; at most 12 characters, since overlayfs's mount
	 * options have one page for all names.  It is random, and means nothing outside
	 * this store. */
	char name[13];
	struct identity identity; /* its name in every store */
};

/* A mounted chain has at most this many layers: their names must fit into one page, with
 * room for a failed step's, and a long chain slows each look-up. */
enum { SNAPSHOT_MAX = 120 };

struct snapshot {
	struct layer_id *layers;
	size_t len;
};

#define SNAPSHOT_INIT                                                                    \
	{                                                                                \
		NULL, 0                                                                  \
	}

/* Is it there?  The lease of the store, if it has one, names it from now on. */
bool layer_exists(const struct store *s, const struct layer_id *id);
/* The request's folder (in a scratch folder of the store) becomes a new layer under a
 * random name, even if an equal layer exists: that one may have lost its files when the
 * machine stopped.  Its identity is that of a tree; for a registry's layer the caller
 * sets the identity. */
NODISCARD struct err *layer_publish(const struct seal_request *request,
				    struct layer_id *out);
/* Take back a layer that the caller has published, and that no record and no other thread
 * knows: it is moved into a scratch folder, and goes with that. */
void layer_withdraw(const struct store *s, const struct layer_id *id, int scratch_fd);
/* The folder of all layers, for mounting: absolute path. */
const char *layer_root(const struct store *s);

void snapshot_copy(struct snapshot *out, const struct snapshot *from);
void snapshot_push(struct snapshot *chain, const struct layer_id *id);
void snapshot_release(struct snapshot *chain);
/* Are all its layers there?  As layer_exists(). */
bool snapshot_exists(const struct store *s, const struct snapshot *chain);
/* The same for callers that do not use the layers: no lease names them, so they may go at
 * any time.  The collector may call it while it holds the leases' lock. */
bool snapshot_is_there(const struct store *s, const struct snapshot *chain);
/* Does each layer still hold all that was published?  ERR_CORRUPT when not.  Looks at
 * each name (outline.h): for callers that are about to use the layers. */
NODISCARD struct err *snapshot_check(const struct store *s, const struct snapshot *chain,
				     struct stop stop);
/* Does `chain` begin with the layers of `lower`? */
bool snapshot_begins_with(const struct snapshot *chain, const struct snapshot *lower);
/* A digest over the identities of the chain's layers, which must all have one: equal in
 * every store where the chain holds the same files. */
struct digest snapshot_digest(const struct snapshot *chain);

#endif
