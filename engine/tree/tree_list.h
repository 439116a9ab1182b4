/* SPDX-License-Identifier: MIT
 * tree_list.h - what a copy brought, file by file, short enough to be kept.
 *
 * Purpose:   lets `dagbuild why` name the file that changed. Up to TREE_LIST_MAX things
 *            are listed one by one, if their paths are not too long together; for more,
 *            only the sources' top-level entries are listed, each with one digest over
 *            everything below it.
 * Ownership: tree_list_release() ends it; tree_list_json() gives the caller a tree.
 * Threads:   a list belongs to one thread.
 */
#ifndef ENGINE_TREE_TREE_LIST_H
#define ENGINE_TREE_TREE_LIST_H

#include <sys/types.h>

#include "base/digest.h"
#include "base/json.h"

enum { TREE_LIST_MAX = 10000 };

/* One thing, or all that lies below a top-level entry. */
struct tree_item {
	char *path;
	char type;	 /* f, d, l, h, p, c, b, s; '*': all below a top-level entry */
	uint32_t mode;	 /* as far as it is kept; 0 for a '*' */
	uint64_t size;	 /* bytes of data */
	uint64_t digest; /* of content, or link text; 0 without any */
};

struct tree_list {
	struct tree_item *items, *tops;
	size_t len, cap, n_tops, cap_tops;
	size_t bytes, top_bytes;	  /* of their paths */
	bool is_coarse;			  /* `items` would be too many: `tops` counts */
	const struct hash_secret *secret; /* the store's */
};

#define TREE_LIST_INIT                                                                   \
	{                                                                                \
		0                                                                        \
	}

/* `path` is below `source`, as written; "" for the source itself. */
void tree_list_add(struct tree_list *l, const char *source, const char *path,
		   const struct tree_item *item);
void tree_list_release(struct tree_list *l);
/* {"coarse": bool, "items": ["SHARED TYPE MODE SIZE DIGEST REST", ...]}: the path is the
 * first SHARED bytes of the one before, then REST. */
cJSON *tree_list_json(const struct tree_list *l);
/* The inverse; false when it is not one. */
bool tree_list_parse(const cJSON *json, struct tree_list *out);
/* The digest remembered for `size` bytes, a content's name or the text of a link: 64
 * bits, never 0, keyed with the list's secret. */
uint64_t tree_list_digest(const struct tree_list *l, const void *data, size_t size);

#endif
