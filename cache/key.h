/* SPDX-License-Identifier: MIT
 * key.h - composing the key that names a step's inputs.
 *
 * Purpose:   equal key, equal work. The encoding is canonical and length-
 *            prefixed; every part has a name, and the record keeps the parts' digests,
 *            so that it can be told later which part changed.
 * Ownership: key_free() ends it.
 * Threads:   belongs to one thread.
 */
#ifndef CACHE_KEY_H
#define CACHE_KEY_H

#include "base/json.h"
#include "cache/store.h"

struct key;

/* `kind`, a literal, is the step's kind; the key format's version goes in first. */
struct key *key_new(const struct store *s, const char *kind);
/* From now on the parts' texts are kept, for key_texts(). */
void key_keep(struct key *k);
void key_free(struct key *k);
void key_freep(struct key **k);
/* Set part `name`, a literal; a part that is there already gets the new value, in its old
 * place.  `text` NULL differs from "". */
void key_set_text(struct key *k, const char *name, const char *text);
void key_set_u64(struct key *k, const char *name, uint64_t value);
void key_set_digest(struct key *k, const char *name, const struct digest *value);
/* Part `name` with one value for each of `n` texts. */
void key_set_list(struct key *k, const char *name, const char *const *texts, size_t n);
/* Digest of the value of part `name`; false when it is not set. */
bool key_get(const struct key *k, const char *name, struct digest *out);
/* The texts that part `name` was set from; NULL when they were not kept.  A text may be
 * NULL. */
const char *const *key_texts(const struct key *k, const char *name, size_t *n);
/* Name of part `index`, in the order of setting; NULL past the last one. */
const char *key_name(const struct key *k, size_t index);
struct digest key_final(const struct key *k);
/* The parts so far as JSON: {"NAME": "DIGEST", ...}; the caller owns it.  Values never
 * appear, only their keyed digests: they may be secrets. */
cJSON *key_parts(const struct key *k);

#endif
