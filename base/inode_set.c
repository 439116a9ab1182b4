/* SPDX-License-Identifier: MIT
 * inode_set.c - see inode_set.h.
 */
#include "base/inode_set.h"

#include <stdlib.h>

struct inode_slot {
	dev_t dev;
	ino_t ino;
	size_t order; /* 0: free */
};

static size_t slot_of(const struct inode_set *set, dev_t dev, ino_t ino)
{
	/* The multiplier of Knuth's multiplicative hashing, for 64 bits. */
	uint64_t hash =
		((uint64_t)ino ^ (uint64_t)dev << 32) * UINT64_C(0x9e3779b97f4a7c15);
	size_t at = (size_t)(hash >> 32) & (set->n_slots - 1);

	while (set->slots[at].order > 0 &&
	       (set->slots[at].ino != ino || set->slots[at].dev != dev))
		at = (at + 1) & (set->n_slots - 1);
	return at;
}

static void grow(struct inode_set *set)
{
	struct inode_slot *old = set->slots;
	size_t n = set->n_slots;

	set->n_slots = n > 0 ? 2 * n : 64;
	set->slots = xcalloc(set->n_slots, sizeof(*set->slots));
	for (size_t i = 0; i < n; i++)
		if (old[i].order > 0)
			set->slots[slot_of(set, old[i].dev, old[i].ino)] = old[i];
	free(old);
}

size_t inode_set_meet(struct inode_set *set, const struct stat *st, size_t order)
{
	size_t at;

	if (2 * (set->len + 1) > set->n_slots)
		grow(set);
	at = slot_of(set, st->st_dev, st->st_ino);
	if (set->slots[at].order > 0)
		return set->slots[at].order;
	set->slots[at] = (struct inode_slot){st->st_dev, st->st_ino, order};
	set->len++;
	return 0;
}

void inode_set_release(struct inode_set *set)
{
	free(set->slots);
	*set = (struct inode_set)INODE_SET_INIT;
}
