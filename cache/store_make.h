/* SPDX-License-Identifier: MIT
 * store_make.h - a folder becomes a store; and ceases to be one.
 *
 * Purpose:   the only place that takes a folder of the user's over, and that gives it
 *            back.
 * Ownership: the descriptor is the caller's.
 * Threads:   any; processes may make one store at once.
 * Errors:    ERR_USAGE: the folder cannot be a store, since it is none, holds other
 *            things, or is `/` or the home; ERR_UNSUPPORTED: another user's, or a newer
 *            version's; ERR_SYS.
 */
#ifndef CACHE_STORE_MAKE_H
#define CACHE_STORE_MAKE_H

#include "cache/store.h"
#include "cache/usage.h"

/* Open `dir`, make it and what is missing of a store.  One of an older format is raised
 * to ours, and nothing in it is touched: older.h. */
NODISCARD struct err *store_make(const char *dir, int *fd);
/* Open a store for reading: ERR_NOTFOUND when `dir` is none. */
NODISCARD struct err *store_find(const char *dir, int *fd);
/* Is the store that `fd` is open on of our format?  One that is read may be older. */
bool store_is_current(int fd);

/* What in a store is not ours. */
struct store_rest {
	int fd;		/* of the store, borrowed */
	size_t strange; /* names, each with all that is below it */
	char *example;	/* one of them, relative to the store; NULL without */
	struct usage usage;
};

/* Look for what store_clear() would leave; end it with store_rest_release(). */
NODISCARD struct err *store_rest(const struct store *s, struct store_rest *out);
void store_rest_release(struct store_rest *rest);
/* Remove all that is ours, and the folder when nothing else was in it.  Nobody may be
 * using the store. */
NODISCARD struct err *store_clear(const struct store *s);

#endif
