/* SPDX-License-Identifier: MIT
 * store_names.h - which names in a cache folder are dagbuild's own.
 *
 * Purpose:   a user may name a folder that holds, or comes to hold, other things. Only
 *            what has a name of this list is ever removed or moved; and a folder that was
 *            never taken for a store becomes one only when it holds nothing else.
 * Ownership: nothing is kept.
 * Threads:   any.
 * Errors:    store_names_each(): ERR_SYS, and what the visitor gives.
 */
#ifndef CACHE_STORE_NAMES_H
#define CACHE_STORE_NAMES_H

#include "base/err.h"

/* CACHEDIR.TAG, https://bford.info/cachedir/: backups leave the folder out. */
#define STORE_TAG_TEXT                                                                   \
	"Signature: 8a477f597d28d172789f06886806bc55\n"                                  \
	"# This folder is a cache of dagbuild, which makes anew what is missing in "     \
	"it.\n"                                                                          \
	"# About this file: https://bford.info/cachedir/\n"

/* The file that says that something of an older format is left: older.h. */
#define STORE_OLDER "older"

enum store_name {
	STORE_NAME_STRANGE, /* not ours */
	STORE_NAME_FILE,
	STORE_NAME_FOLDER, /* what is in it is on the list, or strange */
	STORE_NAME_TREE,   /* with all that is in it */
};

/* What `path` ("layers/abcdefghijkl"), relative to the store, is by its name. */
enum store_name store_name_of(const char *path);

/* Is it made with the store, so that it may be there in one that was never finished? */
bool store_name_is_first(const char *path);

/* Called with each path below the store: what is in a folder before the folder. */
typedef struct err *(*store_name_fn)(void *context, const char *path,
				     enum store_name what);
/* Go through the folder that `store_fd` is open on.  A name of the list is strange all
 * the same when it is of another type (a link, say) or size.  Neither what is strange nor
 * a tree is entered. */
NODISCARD struct err *store_names_each(int store_fd, store_name_fn fn, void *context);

#endif
