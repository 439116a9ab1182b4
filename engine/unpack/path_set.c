/* SPDX-License-Identifier: MIT
 * path_set.c - see path_set.h.
 */
#include "engine/unpack/path_set.h"

#include <stdlib.h>
#include <sys/random.h>

static uint64_t path_hash(const struct path_set *s, struct str path)
{
	CLEANUP(hasher_freep) struct hasher *h = hasher_new(DIGEST_XXH3, &s->secret);
	struct digest d;
	uint64_t bits = 0;

	hasher_update(h, path.data, path.len);
	d = hasher_final(h);
	for (int i = 0; i < 8; i++)
		bits = bits << 8 | d.bytes[i];
	return bits ? bits : 1;
}

static size_t find_slot(const struct path_set *s, uint64_t hash)
{
	size_t i = (size_t)hash & (s->cap - 1);

	while (s->slots[i] != 0 && s->slots[i] != hash)
		i = (i + 1) & (s->cap - 1);
	return i;
}

static void path_set_grow(struct path_set *s)
{
	struct path_set bigger = *s;

	if (s->cap == 0 && getrandom(s->secret.bytes, sizeof(s->secret.bytes), 0) !=
				   (ssize_t)sizeof(s->secret.bytes))
		abort(); /* cannot fail for so few bytes: getrandom(2) */
	bigger.secret = s->secret;
	bigger.cap = s->cap > 0 ? 2 * s->cap : 1024;
	bigger.slots = xcalloc(bigger.cap, sizeof(*bigger.slots));
	for (size_t i = 0; i < s->cap; i++)
		if (s->slots[i] != 0)
			bigger.slots[find_slot(&bigger, s->slots[i])] = s->slots[i];
	free(s->slots);
	*s = bigger;
}

/* True if it was not in the set. */
static bool add(struct path_set *s, struct str path)
{
	uint64_t hash;
	size_t slot;

	/* Seven in eight slots: keyed hashes are spread evenly. */
	if (8 * s->len >= 7 * s->cap)
		path_set_grow(s);
	hash = path_hash(s, path);
	slot = find_slot(s, hash);
	if (s->slots[slot] == hash)
		return false;
	s->slots[slot] = hash;
	s->len++;
	return true;
}

bool path_set_is_full(const struct path_set *s)
{
	return s->len >= PATH_SET_MAX;
}

bool path_set_has(const struct path_set *s, struct str path)
{
	return s->len > 0 && s->slots[find_slot(s, path_hash(s, path))] != 0;
}

void path_set_add_with_parents(struct path_set *s, struct str path)
{
	while (path.len > 1 && add(s, path)) {
		while (path.len > 0 && path.data[path.len - 1] != '/')
			path.len--;
		path.len -= path.len > 0;
	}
}

void path_set_release(struct path_set *s)
{
	free(s->slots);
	*s = (struct path_set){0};
}
