/* SPDX-License-Identifier: MIT
 * vec.h - a growing array of values of one type.
 *
 *	VEC(struct edge) edges = {0};
 *	vec_push(&edges, ((struct edge){1, 2}));
 *	for (size_t i = 0; i < edges.len; i++)
 *		use(edges.items[i]);
 *	vec_free(&edges);
 *
 * Ownership: the vector owns its array, not what the members point to.
 * Threads:   belongs to one thread.
 */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include <stdlib.h>

#include "base/base.h"

#define VEC(type)                                                                        \
	struct {                                                                         \
		type *items;                                                             \
		size_t len;                                                              \
		size_t cap;                                                              \
	}

#define vec_push(v, item)                                                                \
	do {                                                                             \
		if ((v)->len == (v)->cap) {                                              \
			(v)->cap = (v)->cap > 0 ? 2 * (v)->cap : 8;                      \
			(v)->items = xreallocarray((v)->items, (v)->cap,                 \
						   sizeof((v)->items[0]));               \
		}                                                                        \
		(v)->items[(v)->len++] = (item);                                         \
	} while (0)

#define vec_free(v)                                                                      \
	do {                                                                             \
		free((v)->items);                                                        \
		(v)->items = NULL;                                                       \
		(v)->len = 0;                                                            \
		(v)->cap = 0;                                                            \
	} while (0)

#endif
