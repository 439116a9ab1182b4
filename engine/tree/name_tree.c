/* SPDX-License-Identifier: MIT
 * name_tree.c - see name_tree.h.
 */
#include "engine/tree/name_tree.h"

#include <stdlib.h>
#include <string.h>

/* A million names of 40 characters. */
enum { MEMORY_MAX = 48 << 20 };

struct err *name_tree_add(struct name_tree *t, uint32_t up, const char *name,
			  uint32_t *out)
{
	size_t size = strlen(name) + 1;

	if (t->text.len + size + t->nodes.len * sizeof(*t->nodes.items) > MEMORY_MAX)
		return err_new(ERR_SYS, "the names to remember take more than %d MiB",
			       MEMORY_MAX >> 20);
	while (t->text.len + size > t->text.cap) {
		t->text.cap = t->text.cap > 0 ? 2 * t->text.cap : 4096;
		t->text.items = xreallocarray(t->text.items, t->text.cap, 1);
	}
	vec_push(&t->nodes, ((struct name_node){up, (uint32_t)t->text.len}));
	memcpy(t->text.items + t->text.len, name, size);
	t->text.len += size;
	*out = (uint32_t)t->nodes.len;
	return NULL;
}

void name_tree_drop_if_last(struct name_tree *t, uint32_t node)
{
	if (node > 0 && node == t->nodes.len)
		t->text.len = t->nodes.items[--t->nodes.len].text;
}

static const char *name_of(const struct name_tree *t, uint32_t node)
{
	return t->text.items + t->nodes.items[node - 1].text;
}

char *name_tree_path(const struct name_tree *t, uint32_t node)
{
	size_t size = 0;
	char *path, *end;

	for (uint32_t n = node; n > 0; n = t->nodes.items[n - 1].up)
		size += strlen(name_of(t, n)) + 1;
	path = xmalloc(size);
	end = path + size;
	/* Backwards; a slash ends each name except the last. */
	for (uint32_t n = node; n > 0; n = t->nodes.items[n - 1].up) {
		size_t len = strlen(name_of(t, n));

		*--end = n == node ? '\0' : '/';
		end -= len;
		memcpy(end, name_of(t, n), len);
	}
	return path;
}

void name_tree_clear(struct name_tree *t)
{
	t->nodes.len = t->text.len = 0;
}

void name_tree_release(struct name_tree *t)
{
	vec_free(&t->nodes);
	vec_free(&t->text);
}
