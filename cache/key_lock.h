/* SPDX-License-Identifier: MIT
 * key_lock.h - one build of a key at a time, across processes.
 *
 * Purpose:   a lock file under locks/ for each key that is being made. flock(2) locks it,
 *            so the lock belongs to an open descriptor: a child that inherits the
 *            descriptor (key_lock_fd()) holds the lock too, and it is free when the last
 *            holder is gone, however that ended.
 * Ownership: key_lock_release() frees it and removes the file.
 * Threads:   any.
 * Errors:    ERR_NOSPACE, ERR_SYS.
 */
#ifndef CACHE_KEY_LOCK_H
#define CACHE_KEY_LOCK_H

#include <sys/types.h>

#include "cache/store.h"

struct key_lock {
	const struct store *store;
	int fd;
	char path[72]; /* below the store */
};

#define KEY_LOCK_INIT                                                                    \
	{                                                                                \
		NULL, -1, ""                                                             \
	}

/* Take the lock if it is free: `*taken`.  Else `*holder` is the process that has it, 0
 * when unknown. */
NODISCARD struct err *key_lock_try(const struct store *s, const struct digest *key,
				   struct key_lock *out, bool *taken, pid_t *holder);
int key_lock_fd(const struct key_lock *l); /* borrowed */
void key_lock_release(struct key_lock *l);
/* Remove the files that dead processes left behind. */
void key_lock_clean(const struct store *s);

#endif
