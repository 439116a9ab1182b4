/* SPDX-License-Identifier: MIT
 * store_private.h - what the files of cache/ share about an open store.
 */
#ifndef CACHE_STORE_PRIVATE_H
#define CACHE_STORE_PRIVATE_H

#include <pthread.h>
#include <sys/stat.h>

#include "base/vec.h"
#include "cache/lease.h"
#include "cache/store.h"

/* A record that is to be settled, and what it said: another process may replace it. */
struct unsettled {
	struct digest key, text;
};

struct store {
	char *dir;	  /* absolute */
	char *layer_root; /* absolute */
	int fd;
	struct hash_secret secret;
	char boot_id[40];
	bool can_write;	      /* opened for writing: times of use are kept */
	struct lease *lease;  /* NULL: nothing in the store is going to be used */
	pthread_mutex_t lock; /* guards unsettled, spent */
	/* Written or adopted since the last record_settle(). */
	VEC(struct unsettled) unsettled;
	VEC(struct digest) spent; /* see blob_spent.c */
};

/* Name it in the lease, if there is a lease; false when that fails: then it counts as
 * missing. */
bool store_claim(const struct store *s, enum lease_kind kind, const char *name);
/* Note that the file was used now: at most once a minute, since each note costs a
 * write. */
void store_touch(const struct store *s, int fd, const struct stat *st);
/* Give `path` this text, whole or not at all, and make its folder if it is missing.  Not
 * synced.  ERR_NOTFOUND: the folder disappeared meanwhile. */
NODISCARD struct err *store_publish(const struct store *s, const char *path,
				    const char *text);
/* Wait for the lock `how` (LOCK_EX, LOCK_SH) on the file `path`; it ends with `*fd`. */
NODISCARD struct err *store_lock_file(const struct store *s, const char *path, int how,
				      int *fd);
/* The same for what `fd` is open on; `path` is for the message. */
NODISCARD struct err *store_lock_fd(int fd, int how, const char *path);

#endif
