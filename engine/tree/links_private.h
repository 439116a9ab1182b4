/* SPDX-License-Identifier: MIT
 * links_private.h - what the files of links.h share.
 */
#ifndef ENGINE_TREE_LINKS_PRIVATE_H
#define ENGINE_TREE_LINKS_PRIVATE_H

#include "engine/tree/links.h"

/* Read the mark; false when there is none. */
bool links_read_mark(int dir_fd, const char *name, char *mark);
NODISCARD struct err *links_remove_mark(int dir_fd, const char *name);

#endif
