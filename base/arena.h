/* SPDX-License-Identifier: MIT
 * arena.h - memory that is freed all at once.
 *
 * Purpose:   one arena per parsed definition and plan: built by one thread, then const
 *            and shared.
 * Ownership: arena_free() frees everything that was allocated from it.
 * Threads:   one thread allocates; any may read what was allocated.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/str.h"

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *a);
void arena_freep(struct arena **a);
/* Zeroed, aligned for pointers and 64-bit numbers. */
void *arena_alloc(struct arena *a, size_t size);
void *arena_array(struct arena *a, size_t count, size_t size);
/* `size` zero bytes without alignment: for a text. */
char *arena_text(struct arena *a, size_t size);
char *arena_dup(struct arena *a, struct str s); /* NUL-terminated copy */
PRINTF(2, 3) char *arena_printf(struct arena *a, const char *format, ...);

#endif
