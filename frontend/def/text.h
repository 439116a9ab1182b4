/* SPDX-License-Identifier: MIT
 * text.h - a definition's text with its template arguments replaced, and where each byte
 * of it comes from.
 *
 * Purpose:   the parser reads this text; diagnostics point into the source.
 * Ownership: lies in the arena it was made with; without a placeholder it is a slice of
 *            the source's own text, which must outlive it.  A NUL follows it.
 * Threads:   const once made.
 */
#ifndef FRONTEND_DEF_TEXT_H
#define FRONTEND_DEF_TEXT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/source.h"
#include "base/vec.h"

/* From `at` to the `at` of the next piece: a stretch of the source, or what replaced
 * one. */
struct text_piece {
	uint32_t at;	  /* offset in the text */
	struct span span; /* in the source */
	bool is_replaced;
};

struct def_text {
	struct str text;
	const struct text_piece *pieces; /* ascending; the first one is at 0 */
	size_t n_pieces;
	const struct span *emptied; /* in the source: what nothing replaced; ascending */
	size_t n_emptied;
};

/* The source's text from byte `start` to its end, as it is. */
void def_text_plain(const struct source *source, size_t start, struct arena *arena,
		    struct def_text *out);
/* Where a slice of the text is in the source; for a part of what replaced a placeholder,
 * the placeholder. */
struct span def_text_span(const struct def_text *t, struct str slice);

/* ---- making one piece by piece ---- */

struct text_builder {
	const struct source *source;
	struct buf text;
	VEC(struct text_piece) pieces;
	VEC(struct span) emptied;
};

/* A slice of the source, as it is. */
void text_builder_keep(struct text_builder *b, struct str slice);
/* `value` in place of a slice of the source. */
void text_builder_replace(struct text_builder *b, struct str slice, struct str value);
/* The builder is empty afterwards. */
void text_builder_finish(struct text_builder *b, struct arena *arena,
			 struct def_text *out);
void text_builder_release(struct text_builder *b);

#endif
