/* SPDX-License-Identifier: MIT
 * identity.h - what a layer is called in every store.
 *
 * Purpose:   two layers with the same identity hold the same files, wherever and by
 *            whomever they were made; a layer's name, in contrast, is random and means
 *            nothing elsewhere. The `parent` of a key is a digest over the identities of
 *            a chain: if a rebuild gives the same files, every step above it is still a
 *            hit.
 *
 *            The identity of a step's layer is a digest over what the layer holds
 *            (seal.h). A registry's layer already has a name that everybody knows, and
 *            needs no second one where the disk holds all that the archive says. Times
 *            do not count, unless SOURCE_DATE_EPOCH is set: then the times up to it do,
 *            in a separate digest.
 * Ownership: a value.
 * Threads:   any.
 */
#ifndef CACHE_IDENTITY_H
#define CACHE_IDENTITY_H

#include "base/digest.h"

enum identity_kind {
	IDENTITY_NONE,
	IDENTITY_TREE,	 /* a step's layer: a digest over what it holds */
	IDENTITY_DIFF,	 /* a registry's, on its own: its diffID */
	IDENTITY_CHAIN,	 /* a registry's, applied onto those below: its ChainID */
	IDENTITY_MERGED, /* several merged into one: a digest over their identities */
	IDENTITY_KINDS,
};

struct identity {
	enum identity_kind kind;
	struct digest digest;
	struct digest times; /* unset: times do not count; see layer_times.h */
};

enum { IDENTITY_TEXT_SIZE = 8 + DIGEST_TEXT_SIZE };

/* Is it a registry's name for the layer?  That name covers its times. */
bool identity_is_foreign(const struct identity *id);
/* "tree:sha256:HEX", without the times, into `out`, of IDENTITY_TEXT_SIZE bytes; returns
 * `out`. */
const char *identity_format(const struct identity *id, char *out);
/* The inverse of identity_format(); false for anything else. */
bool identity_parse(struct str text, struct identity *out);
/* Add it, with its times, to a larger digest. */
void identity_add(struct hasher *h, const struct identity *id);

#endif
