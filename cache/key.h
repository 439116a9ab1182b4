/* SPDX-License-Identifier: MIT
 * key.h - composing the key that names a step's inputs.
 *
 * Purpose:   equal key, equal work: one SHA-256 over a canonical, length-prefixed
 *            encoding of the kind and of all parts with their names. Nothing of the store
 *            goes in, so a key is the same in every store, whoever builds. The remembered
 *            digests of the parts (key_parts()) later tell which one changed; they are
 *            keyed.
 * Ownership: key_free() ends it.
 * Threads:   belongs to one thread.
 */
#ifndef CACHE_KEY_H
#define CACHE_KEY_H

#include "base/digest.h"
#include "base/json.h"

struct key;

/* `kind`, a literal, is the step's kind; the key format's version goes in first. */
struct key *key_new(const char *kind);
void key_free(struct key *k);
void key_freep(struct key **k);
/* Set part `name`, a literal; an existing part gets the new value, in its old place.
 * `text` NULL differs from "". */
void key_set_text(struct key *k, const char *name, const char *text);
void key_set_u64(struct key *k, const char *name, uint64_t value);
void key_set_digest(struct key *k, const char *name, const struct digest *value);
/* Part `name` with one value for each of `n` texts. */
void key_set_list(struct key *k, const char *name, const char *const *texts, size_t n);
/* Is part `name` set? */
bool key_has(const struct key *k, const char *name);
/* The texts that part `name` was set from; NULL when it is unset.  A text may be NULL. */
const char *const *key_texts(const struct key *k, const char *name, size_t *n);
/* Name of part `index`, in the order they were set; NULL past the last one. */
const char *key_name(const struct key *k, size_t index);
struct digest key_final(const struct key *k);
/* The parts so far as JSON: {"NAME": "DIGEST", ...}; the caller owns it.  Values never
 * appear, and nobody can guess them without the store's `secret`: a build argument may be
 * a password. */
cJSON *key_parts(const struct key *k, const struct hash_secret *secret);

#endif
