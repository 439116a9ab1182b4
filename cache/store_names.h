/* SPDX-License-Identifier: MIT
 * store_names.h - which names in a cache folder are dagbuild's own.
 *
 * Purpose:   a user may name a folder that holds other things, now or later. Only what
 *            has a name on this list is ever removed or moved; and a folder that was not
 *            a store becomes one only if it holds nothing else.
 * Ownership: nothing is kept.
 * Threads:   any.
 * Errors:    store_names_each(): ERR_SYS, and the visitor's errors.
 */
#ifndef CACHE_STORE_NAMES_H
#define CACHE_STORE_NAMES_H

#include "base/err.h"

/* CACHEDIR.TAG, https://bford.info/cachedir/: backups leave the folder out. */
#define STORE_TAG_TEXT                                                                   \
	"Signature: 8a477f597d28d172789f06886806bc55\n"                                  \
	"# This folder is a cache of dagbuild, which makes again what is missing in "    \
	"it.\n"                                                                          \
	"# About this file: https://bford.info/cachedir/\n"

/* The file that tells that something of an older format is left: older.h. */
#define STORE_OLDER "older"

enum store_name {
	STORE_NAME_STRANGE, /* not ours */
	STORE_NAME_FILE,
	STORE_NAME_FOLDER, /* its contents are on the list, or strange */
	STORE_NAME_TREE,   /* with everything in it */
};

/* What `path` ("layers/abcdefghijkl"), relative to the store, is by its name. */
enum store_name store_name_of(const char *path);

/* Is it made with the store, so that a store that was never finished may hold it? */
bool store_name_is_first(const char *path);

/* Called with each path below the store: the contents of a folder before the folder. */
typedef struct err *(*store_name_fn)(void *context, const char *path,
				     enum store_name what);
/* Go through the folder that `store_fd` is open on.  A name on the list is still strange
 * if it has another type (a link, say) or size.  Strange folders and trees are not
 * entered. */
NODISCARD struct err *store_names_each(int store_fd, store_name_fn fn, void *context);

#endif
