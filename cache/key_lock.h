/* SPDX-License-Identifier: MIT
 * key_lock.h - one execution of a key at a time, across processes.
 *
 * Purpose:   a lock file for each key that is being made, under locks/. It is flock(2)'s,
 *            so that it belongs to an open descriptor: a child that inherits it
 *            (key_lock_fd()) holds it as well, and it is free when the last holder is
 *            gone, however it ended.
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
 * when that is not known. */
NODISCARD struct err *key_lock_try(const struct store *s, const struct digest *key,
				   struct key_lock *out, bool *taken, pid_t *holder);
int key_lock_fd(const struct key_lock *l); /* borrowed */
void key_lock_release(struct key_lock *l);
/* Remove the files that dead processes left. */
void key_lock_clean(const struct store *s);

#endif
