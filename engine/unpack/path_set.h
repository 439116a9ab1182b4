/* SPDX-License-Identifier: MIT
 * path_set.h - a set of paths, kept as keyed 64-bit hashes.
 *
 * Purpose:   remember millions of paths in 9 to 18 bytes each, at most PATH_SET_MAX. The
 *            key is random, so a stranger cannot make two paths collide; among ten
 *            million a chance collision has probability 1:10^6, and its effect (a lower
 *            file is spared) is harmless.
 * Ownership: path_set_release() ends it.
 * Threads:   a set belongs to one thread.
 */
#ifndef ENGINE_UNPACK_PATH_SET_H
#define ENGINE_UNPACK_PATH_SET_H

#include "base/digest.h"
#include "base/str.h"

enum { PATH_SET_MAX = 7 << 20 }; /* 64 MiB, and half of that again while it grows */

struct path_set {
	uint64_t *slots;	   /* open addressing; 0 is free */
	size_t len, cap;	   /* cap is a power of two */
	struct hash_secret secret; /* drawn with the first member */
};

/* Nothing should be added any more. */
bool path_set_is_full(const struct path_set *s);
bool path_set_has(const struct path_set *s, struct str path);
/* `path` and every folder above it, except the root. */
void path_set_add_with_parents(struct path_set *s, struct str path);
void path_set_release(struct path_set *s);

#endif
