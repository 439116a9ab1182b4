/* SPDX-License-Identifier: MIT
 * map.h - texts to pointers: a hash table.
 *
 * Ownership: keys and values are borrowed; map_release() frees the table.
 * Threads:   belongs to one thread.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/base.h"

struct map_slot {
	const char *key; /* NULL: free */
	void *value;
};

struct map {
	struct map_slot *slots; /* a power of two, or none */
	size_t n_slots, len;
};

#define MAP_INIT                                                                         \
	{                                                                                \
		0                                                                        \
	}

/* NULL when there is none. */
void *map_get(const struct map *m, const char *key);
/* Add, or replace, the value of `key`. */
void map_set(struct map *m, const char *key, void *value);
void map_release(struct map *m);

#endif
