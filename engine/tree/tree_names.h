/* SPDX-License-Identifier: MIT
 * tree_names.h - the names in a folder, in an order that does not depend on the
 *
 * filesystem.
 *
 * Ownership: path_list_release() ends the list.
 * Threads:   any.
 * Errors:    ERR_SYS.
 */
#ifndef ENGINE_TREE_TREE_NAMES_H
#define ENGINE_TREE_TREE_NAMES_H

#include "engine/tree/tree_glob.h"

/* Append the names in folder `fd` (not O_PATH), sorted bytewise, without `.` and `..`. */
NODISCARD struct err *tree_names(int fd, struct path_list *out);

#endif
