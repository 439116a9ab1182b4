/* SPDX-License-Identifier: MIT
 * name_tree.h - many paths in little memory: each name once, with what it lies in.
 *
 * Ownership: name_tree_release() ends one.
 * Threads:   belongs to one thread.
 * Errors:    ERR_SYS past the limit.
 */
#ifndef ENGINE_TREE_NAME_TREE_H
#define ENGINE_TREE_NAME_TREE_H

#include "base/err.h"
#include "base/vec.h"

struct name_node {
	uint32_t up;   /* the node that this one lies in; 0: none */
	uint32_t text; /* where its name begins */
};

struct name_tree {
	VEC(struct name_node) nodes; /* node N is the member N - 1 */
	VEC(char) text;		     /* names, each with its NUL */
};

/* Add `name` in node `up`, or at the top for 0; `*out`, never 0, is one more than the
 * last one. */
NODISCARD struct err *name_tree_add(struct name_tree *t, uint32_t up, const char *name,
				    uint32_t *out);
/* Drop the node if it was added last: nothing lies in it. */
void name_tree_drop_if_last(struct name_tree *t, uint32_t node);
/* "a/b/c", for free(). */
char *name_tree_path(const struct name_tree *t, uint32_t node);
void name_tree_clear(struct name_tree *t);
void name_tree_release(struct name_tree *t);

#endif
