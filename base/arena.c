/* SPDX-License-Identifier: MIT
 * arena.c - bump allocation in growing chunks: see arena.h.
 *
 * Under AddressSanitizer each allocation is a separate chunk, so that it sees overruns.
 */
#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

struct chunk {
	struct chunk *next;
	size_t used, size; /* bytes of data[] */
	_Alignas(max_align_t) unsigned char data[];
};

struct arena {
	struct chunk *chunks; /* newest first */
};

#if defined(__SANITIZE_ADDRESS__)
static const size_t FIRST_CHUNK = 0;
#else
static const size_t FIRST_CHUNK = 4096;
#endif
static const size_t LAST_CHUNK = (size_t)1 << 20;

struct arena *arena_new(void)
{
	return xcalloc(1, sizeof(struct arena));
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	while (a->chunks) {
		struct chunk *next = a->chunks->next;

		free(a->chunks);
		a->chunks = next;
	}
	free(a);
}

void arena_freep(struct arena **a)
{
	arena_free(*a);
	*a = NULL;
}

static struct chunk *chunk_add(struct arena *a, size_t least)
{
	size_t size = a->chunks ? 2 * a->chunks->size : FIRST_CHUNK;
	struct chunk *c;

	if (FIRST_CHUNK == 0)
		size = least;
	if (size > LAST_CHUNK)
		size = LAST_CHUNK;
	if (size < least)
		size = least;
	c = xcalloc(1, sizeof(*c) + size);
	c->size = size;
	c->next = a->chunks;
	a->chunks = c;
	return c;
}

static void *alloc_aligned(struct arena *a, size_t size, size_t align)
{
	struct chunk *c = a->chunks;
	size_t at = c ? (c->used + align - 1) / align * align : 0;

	assert(size <= SIZE_MAX / 2);
	if (!c || at > c->size || c->size - at < size || FIRST_CHUNK == 0) {
		c = chunk_add(a, size);
		at = 0;
	}
	c->used = at + size;
	return c->data + at;
}

void *arena_alloc(struct arena *a, size_t size)
{
	return alloc_aligned(a, size, _Alignof(void *));
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
	assert(size == 0 || count <= SIZE_MAX / 2 / size);
	return arena_alloc(a, count * size);
}

char *arena_text(struct arena *a, size_t size)
{
	return alloc_aligned(a, size, 1);
}

char *arena_dup(struct arena *a, struct str s)
{
	char *copy = arena_text(a, s.len + 1);

	if (s.len > 0)
		memcpy(copy, s.data, s.len);
	return copy;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
	CLEANUP(freep) char *text = NULL;
	va_list args;

	va_start(args, format);
	text = xvasprintf(format, args);
	va_end(args);
	return arena_dup(a, str_of(text));
}
