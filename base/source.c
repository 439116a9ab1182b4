/* SPDX-License-Identifier: MIT
 * source.c - line index of a text: see source.h.
 */
#include "base/source.h"

#include <stdlib.h>

#include "base/vec.h"

struct source {
	char *name;
	char *text;
	size_t len;
	VEC(size_t) starts; /* offset of each line's first byte, ascending */
};

struct source *source_new(const char *name, struct str text)
{
	struct source *s = xcalloc(1, sizeof(*s));

	s->name = xstrdup(name);
	s->text = str_dup(text);
	s->len = text.len;
	vec_push(&s->starts, 0);
	for (size_t i = 0; i < s->len; i++)
		if (s->text[i] == '\n')
			vec_push(&s->starts, i + 1);
	return s;
}

void source_free(struct source *s)
{
	if (!s)
		return;
	free(s->name);
	free(s->text);
	vec_free(&s->starts);
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

struct position source_position(const struct source *s, size_t offset)
{
	size_t low = 0, high = s->starts.len;
	unsigned column = 1;

	if (offset > s->len)
		offset = s->len;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (s->starts.items[middle] <= offset)
			low = middle;
		else
			high = middle;
	}
	for (size_t i = s->starts.items[low]; i < offset; i++)
		column += ((unsigned char)s->text[i] & 0xc0) !=
			  0x80; /* a character's first byte */
	return (struct position){.line = (unsigned)(low + 1), .column = column};
}

struct str source_line(const struct source *s, unsigned line)
{
	struct str text, rest;

	if (line == 0 || line > s->starts.len)
		return STR("");
	str_cut(str_slice(source_text(s), s->starts.items[line - 1], s->len), '\n', &text,
		&rest);
	if (str_ends_with(text, "\r"))
		text.len--;
	return text;
}

size_t source_line_start(const struct source *s, unsigned line)
{
	return line == 0 || line > s->starts.len ? s->len : s->starts.items[line - 1];
}

char *source_place(const struct source *s, size_t offset)
{
	struct position at = source_position(s, offset);

	return xasprintf("%s:%u:%u", s->name, at.line, at.column);
}
