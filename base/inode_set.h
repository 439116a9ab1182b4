/* SPDX-License-Identifier: MIT
 * inode_set.h - files with several names, met on a walk.
 *
 * Ownership: inode_set_release() ends one.
 * Threads:   belongs to one thread.
 */
#ifndef BASE_INODE_SET_H
#define BASE_INODE_SET_H

#include <sys/stat.h>

#include "base/base.h"

struct inode_set {
	struct inode_slot *slots; /* a power of two, or none */
	size_t n_slots, len;
};

#define INODE_SET_INIT                                                                   \
	{                                                                                \
		NULL, 0, 0                                                               \
	}

/* 0 for a file that was not met before; else the `order`, not 0, given when it was first
 * met. */
size_t inode_set_meet(struct inode_set *set, const struct stat *st, size_t order);
void inode_set_release(struct inode_set *set);

#endif
