/* SPDX-License-Identifier: MIT
 * source.h - a text with a name, and places in it.
 *
 * Purpose:   turns byte spans into line and column, for diagnostics.
 * Ownership: source_new() copies name and text; source_free() ends a source.
 * Threads:   const after source_new(); share freely.
 */
#ifndef BASE_SOURCE_H
#define BASE_SOURCE_H

#include "base/err.h"
#include "base/str.h"

/* Bytes `start` to `end` (exclusive) of a source. */
struct span {
	uint32_t start, end;
};

struct position {
	unsigned line;	 /* from 1 */
	unsigned column; /* from 1, in UTF-8 characters */
};

struct source;

/* Where something is in a source; `source` NULL: nowhere in particular. */
struct place {
	const struct source *source;
	uint32_t at; /* byte offset */
};

/* `name` is the path as the user gave it; `text` is below 4 GiB. */
struct source *source_new(const char *name, struct str text);
/* The same, from `len` bytes of `text` followed by NUL; the source owns `text` from now
 * on. */
struct source *source_adopt(const char *name, char *text, size_t len);
void source_free(struct source *s);
void source_freep(struct source **s);
const char *source_name(const struct source *s);
struct str source_text(const struct source *s);
struct str source_slice(const struct source *s, struct span span);
/* `offset` is clamped to the text's length. */
struct position source_position(const struct source *s, size_t offset);
/* The line (from 1) that `offset` is on.  Finding the column, too, takes time in
 * proportion to the line's length. */
unsigned source_line_number(const struct source *s, size_t offset);
/* Line `line` (from 1) without its line end; empty when there is no such line. */
struct str source_line(const struct source *s, unsigned line);
/* Offset of the line's first byte; the text's length when there is no such line. */
size_t source_line_start(const struct source *s, unsigned line);
/* "NAME:LINE:COLUMN" ("" without a source), for free(). */
char *place_text(struct place place);
/* Set the place of an error (err_where()).  Returns `e`; NULL passes, at no cost. */
NODISCARD struct err *place_err(struct place place, struct err *e);

#endif
