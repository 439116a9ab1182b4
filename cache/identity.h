/* SPDX-License-Identifier: MIT
 * identity.h - what a layer is called in every store.
 *
 * Purpose:   two layers with one identity hold the same, wherever and by whomever they
 *            were made; a layer's name, in contrast, is random and means nothing
 *            elsewhere. The `parent` of a key is a digest over the identities of a chain:
 *            what is rebuilt to the same files leaves all that stands on it hits.
 *
 *            What a step wrote is called by a digest over what it holds (seal.h). A
 *            registry's layer has a name that everybody knows already, and needs no
 *            second one. Times are no part of it, unless SOURCE_DATE_EPOCH is set: then
 *            the times up to it are, in a digest of their own.
 * Ownership: a value.
 * Threads:   any.
 */
#ifndef CACHE_IDENTITY_H
#define CACHE_IDENTITY_H

#include "base/digest.h"

enum identity_kind {
	IDENTITY_NONE,
	IDENTITY_TREE,	 /* a step's: of what it holds */
	IDENTITY_DIFF,	 /* a registry's, which stands alone: its diffID */
	IDENTITY_CHAIN,	 /* a registry's, applied onto those below: its ChainID */
	IDENTITY_MERGED, /* several that became one: of their identities */
	IDENTITY_KINDS,
};

struct identity {
	enum identity_kind kind;
	struct digest digest;
	struct digest times; /* not set: times do not count; see layer_times.h */
};

enum { IDENTITY_TEXT_SIZE = 8 + DIGEST_TEXT_SIZE };

/* Is it what a registry calls the layer?  That name covers its times. */
bool identity_is_foreign(const struct identity *id);
/* "tree:sha256:HEX", without the times, into `out`, of IDENTITY_TEXT_SIZE bytes; returns
 * `out`. */
const char *identity_format(const struct identity *id, char *out);
/* The inverse of identity_format(); false for anything else. */
bool identity_parse(struct str text, struct identity *out);
/* Add it, with its times, to a digest over more. */
void identity_add(struct hasher *h, const struct identity *id);

#endif
