/* SPDX-License-Identifier: MIT
 * store_make.h - a folder becomes a store, and ceases to be one.
 *
 * Purpose:   the only code that takes over a folder of the user's, and that returns it.
 * Ownership: the descriptor is the caller's.
 * Threads:   any; several processes may make one store at the same time.
 * Errors:    ERR_USAGE: it cannot be a store, since it is not a folder, holds other
 *            things, or is `/` or the home; ERR_UNSUPPORTED: it is another user's, or a
 *            newer version's; ERR_SYS.
 */
#ifndef CACHE_STORE_MAKE_H
#define CACHE_STORE_MAKE_H

#include "cache/store.h"
#include "cache/usage.h"

/* Open `dir`; make it, and the parts of a store that are missing.  A store of an older
 * format is raised to ours, but nothing in it is touched: older.h.  No other process
 * clears the store before `*fd` is closed. */
NODISCARD struct err *store_make(const char *dir, int *fd);
/* Open a store for reading: ERR_NOTFOUND when `dir` is not one. */
NODISCARD struct err *store_find(const char *dir, int *fd);
/* Does the store that `fd` is open on have our format?  One opened for reading may be
 * older. */
bool store_is_current(int fd);

/* What is in a store but not ours. */
struct store_rest {
	int fd;		/* of the store, borrowed */
	size_t strange; /* names, each with everything below it */
	char *example;	/* one of them, relative to the store; NULL: none */
	struct usage usage;
};

/* List what store_clear() would leave; end with store_rest_release(). */
NODISCARD struct err *store_rest(const struct store *s, struct store_rest *out);
void store_rest_release(struct store_rest *rest);
/* Remove everything of ours, and the folder if it held nothing else.  `*cleared` false:
 * another process has the store open for writing, and it stays as it is.  Afterwards `s`
 * can only be closed. */
NODISCARD struct err *store_clear(const struct store *s, bool *cleared);

#endif
