/* SPDX-License-Identifier: MIT
 * path_list.h - a list of names that strangers may make long.
 *
 * Ownership: path_list_release() frees the names.
 * Threads:   one thread each.
 * Errors:    ERR_SYNTAX for more than PATH_LIST_MAX.
 */
#ifndef ENGINE_TREE_PATH_LIST_H
#define ENGINE_TREE_PATH_LIST_H

#include "base/err.h"
#include "base/vec.h"

struct path_list {
	char **items; /* each for free() */
	size_t len, cap;
	size_t bytes; /* that they take */
};

/* Bytes: half a million names of 100 characters. */
enum { PATH_LIST_MAX = 64 << 20 };

/* Append `text`, which is taken over; ERR_SYNTAX when the list takes too much. */
NODISCARD struct err *path_list_add(struct path_list *list, char *text);
void path_list_release(struct path_list *list);

#endif
