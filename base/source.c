/* SPDX-License-Identifier: MIT
 * source.c - line index of a text: see source.h.
 */
#include "base/source.h"

#include <stdlib.h>
#include <string.h>

struct source {
	char *name;
	char *text;
	size_t len;
	uint32_t *starts; /* offset of each line's first byte, ascending */
	size_t n_lines;	  /* at least 1 */
};

static size_t count_lines(struct str text)
{
	size_t n = 1;

	for (const char *at = text.data, *end = at + text.len;
	     (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++)
		n++;
	return n;
}

static void index_lines(struct source *s)
{
	const char *end = s->text + s->len;
	size_t n = 0;

	s->n_lines = count_lines(source_text(s));
	s->starts = xcalloc(s->n_lines, sizeof(*s->starts));
	for (const char *at = s->text; n + 1 < s->n_lines;) {
		at = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;
		s->starts[++n] = (uint32_t)(at - s->text);
	}
}

struct source *source_new(const char *name, struct str text)
{
	return source_adopt(name, str_dup(text), text.len);
}

struct source *source_adopt(const char *name, char *text, size_t len)
{
	struct source *s = xcalloc(1, sizeof(*s));

	assert(len < UINT32_MAX);
	s->name = xstrdup(name);
	s->text = text;
	s->len = len;
	index_lines(s);
	return s;
}

void source_free(struct source *s)
{
	if (!s)
		return;
	free(s->name);
	free(s->text);
	free(s->starts);
	free(s);
}

void source_freep(struct source **s)
{
	source_free(*s);
	*s = NULL;
}

const char *source_name(const struct source *s)
{
	return s->name;
}

struct str source_text(const struct source *s)
{
	return str_make(s->text, s->len);
}

struct str source_slice(const struct source *s, struct span span)
{
	return str_slice(source_text(s), span.start, span.end);
}

unsigned source_line_number(const struct source *s, size_t offset)
{
	size_t low = 0, high = s->n_lines;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (s->starts[middle] <= offset)
			low = middle;
		else
			high = middle;
	}
	return (unsigned)(low + 1);
}

struct position source_position(const struct source *s, size_t offset)
{
	unsigned line = source_line_number(s, offset), column = 1;

	if (offset > s->len)
		offset = s->len;
	for (size_t i = s->starts[line - 1]; i < offset; i++)
		column += ((unsigned char)s->text[i] & 0xc0) !=
			  0x80; /* a character's first byte */
	return (struct position){.line = line, .column = column};
}

struct str source_line(const struct source *s, unsigned line)
{
	struct str text, rest;

	if (line == 0 || line > s->n_lines)
		return STR("");
	str_cut(str_slice(source_text(s), s->starts[line - 1], s->len), '\n', &text,
		&rest);
	if (str_ends_with(text, "\r"))
		text.len--;
	return text;
}

size_t source_line_start(const struct source *s, unsigned line)
{
	return line == 0 || line > s->n_lines ? s->len : s->starts[line - 1];
}

char *place_text(struct place place)
{
	struct position at;

	if (!place.source)
		return xstrdup("");
	at = source_position(place.source, place.at);
	return xasprintf("%s:%u:%u", place.source->name, at.line, at.column);
}

struct err *place_err(struct place place, struct err *e)
{
	CLEANUP(freep) char *text = e && place.source ? place_text(place) : NULL;

	return text ? err_where(e, text) : e;
}
