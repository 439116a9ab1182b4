/* SPDX-License-Identifier: MIT
 * map.c - open addressing with linear probing: see map.h.  The hash is XXH3, seeded by
 * the table's address, so that nobody can choose keys that collide.
 */
#include "base/map.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static size_t slot_of(const struct map *m, const char *key)
{
	uint64_t hash =
		XXH3_64bits_withSeed(key, strlen(key), (XXH64_hash_t)(uintptr_t)m);
	size_t at = (size_t)hash & (m->n_slots - 1);

	while (m->slots[at].key && strcmp(m->slots[at].key, key) != 0)
		at = (at + 1) & (m->n_slots - 1);
	return at;
}

void *map_get(const struct map *m, const char *key)
{
	return m->n_slots > 0 ? m->slots[slot_of(m, key)].value : NULL;
}

static void grow(struct map *m)
{
	struct map_slot *old = m->slots;
	size_t n = m->n_slots;

	m->n_slots = n > 0 ? 2 * n : 16;
	m->slots = xcalloc(m->n_slots, sizeof(*m->slots));
	for (size_t i = 0; i < n; i++)
		if (old[i].key)
			m->slots[slot_of(m, old[i].key)] = old[i];
	free(old);
}

void map_set(struct map *m, const char *key, void *value)
{
	size_t at;

	if (2 * (m->len + 1) > m->n_slots)
		grow(m);
	at = slot_of(m, key);
	m->len += m->slots[at].key == NULL;
	m->slots[at] = (struct map_slot){key, value};
}

void map_release(struct map *m)
{
	free(m->slots);
	*m = (struct map)MAP_INIT;
}
