/* SPDX-License-Identifier: MIT
 * text.c - see text.h.
 */
#include "frontend/def/text.h"

#include <string.h>

void def_text_plain(const struct source *source, size_t start, struct arena *arena,
		    struct def_text *out)
{
	struct text_piece *piece = arena_alloc(arena, sizeof(*piece));
	struct str all = source_text(source);

	out->text = str_slice(all, start, all.len);
	piece->span = (struct span){(uint32_t)start, (uint32_t)all.len};
	out->pieces = piece;
	out->n_pieces = 1;
	out->emptied = NULL;
	out->n_emptied = 0;
}

static const struct text_piece *piece_at(const struct def_text *t, uint32_t at)
{
	size_t low = 0, high = t->n_pieces;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (t->pieces[middle].at <= at)
			low = middle;
		else
			high = middle;
	}
	return &t->pieces[low];
}

struct span def_text_span(const struct def_text *t, struct str slice)
{
	uint32_t start = (uint32_t)(slice.data - t->text.data);
	/* The last byte's place, so that an end never lies in what follows. */
	uint32_t last = slice.len > 0 ? start + (uint32_t)slice.len - 1 : start;
	const struct text_piece *first = piece_at(t, start), *end = piece_at(t, last);
	struct span span;

	span.start = first->is_replaced ? first->span.start
					: first->span.start + start - first->at;
	if (slice.len == 0)
		span.end = span.start;
	else if (end->is_replaced)
		span.end = end->span.end;
	else
		span.end = end->span.start + last - end->at + 1;
	return span;
}

static void add_piece(struct text_builder *b, struct str slice, struct str value,
		      bool is_replaced)
{
	uint32_t start = (uint32_t)(slice.data - source_text(b->source).data);
	struct text_piece piece = {
		.at = (uint32_t)b->text.len,
		.span = {start, start + (uint32_t)slice.len},
		.is_replaced = is_replaced,
	};

	/* Nothing can point at an empty piece. */
	if (value.len == 0 && is_replaced)
		vec_push(&b->emptied, piece.span);
	if (value.len == 0)
		return;
	vec_push(&b->pieces, piece);
	buf_append(&b->text, value.data, value.len);
}

void text_builder_keep(struct text_builder *b, struct str slice)
{
	add_piece(b, slice, slice, false);
}

void text_builder_replace(struct text_builder *b, struct str slice, struct str value)
{
	add_piece(b, slice, value, true);
}

void text_builder_finish(struct text_builder *b, struct arena *arena,
			 struct def_text *out)
{
	size_t n = b->pieces.len > 0 ? b->pieces.len : 1;
	struct text_piece *pieces = arena_array(arena, n, sizeof(*pieces));
	struct span *spans = arena_array(arena, b->emptied.len, sizeof(*spans));

	if (b->pieces.len > 0)
		memcpy(pieces, b->pieces.items, n * sizeof(*pieces));
	if (b->emptied.len > 0)
		memcpy(spans, b->emptied.items, b->emptied.len * sizeof(*spans));
	out->text.data = arena_dup(arena, str_make(buf_text(&b->text), b->text.len));
	out->text.len = b->text.len;
	out->pieces = pieces;
	out->n_pieces = n;
	out->n_emptied = b->emptied.len;
	out->emptied = spans;
	text_builder_release(b);
}

void text_builder_release(struct text_builder *b)
{
	vec_free(&b->pieces);
	vec_free(&b->emptied);
	buf_release(&b->text);
}
