/* SPDX-License-Identifier: MIT
 * store_private.h - what the files of cache/ share of an open store.
 */
#ifndef CACHE_STORE_PRIVATE_H
#define CACHE_STORE_PRIVATE_H

#include <pthread.h>

#include "base/vec.h"
#include "cache/store.h"

struct store {
	char *dir;	  /* absolute */
	char *layer_root; /* absolute */
	int fd;
	struct hash_secret secret;
	char boot_id[40];
	pthread_mutex_t lock; /* guards unsettled */
	/* Keys of records written since the last settling: see record.c. */
	VEC(struct digest) unsettled;
};

#endif
