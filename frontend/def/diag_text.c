/* SPDX-License-Identifier: MIT
 * diag_text.c - diagnostics for people: the line, with carets under what is meant.
 */
#include <string.h>

#include "frontend/def/diag_private.h"

/* Characters of a line that are shown; of a longer one those around the span. */
static const size_t SHOWN_MAX = 100;
static const size_t BEFORE_MAX = 40;

static bool is_first_byte(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

static size_t count_chars(struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += is_first_byte(s.data[i]);
	return n;
}

/* Go `chars` characters forward from byte `at`. */
static size_t forward(struct str s, size_t at, size_t chars)
{
	while (at < s.len && chars > 0) {
		at++;
		while (at < s.len && !is_first_byte(s.data[at]))
			at++;
		chars--;
	}
	return at;
}

/* A line may hold anything, escape sequences too: only text reaches the terminal. */
static void put_line(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		buf_putc(out, (char)((c < 0x20 && c != '\t') || c == 0x7f ? '?' : c));
	}
	buf_putc(out, '\n');
}

/* The line with carets below the span, which is on this line from byte `start` to `end`.
 */
static void put_snippet(struct buf *out, unsigned number, struct str line, size_t start,
			size_t end, const char *hint)
{
	size_t chars = count_chars(str_slice(line, 0, start));
	size_t from = chars > BEFORE_MAX && count_chars(line) > SHOWN_MAX
			      ? forward(line, 0, chars - BEFORE_MAX)
			      : 0;
	size_t to = forward(line, from, SHOWN_MAX);
	struct str before = str_slice(line, from, start);

	if (end > to)
		end = to;
	buf_printf(out, "%5u | %s", number, from > 0 ? "..." : "");
	put_line(out, str_slice(line, from, to));
	buf_printf(out, "      | %s", from > 0 ? "   " : "");
	for (size_t i = 0; i < before.len; i++)
		if (is_first_byte(before.data[i]))
			buf_putc(out, before.data[i] == '\t' ? '\t' : ' ');
	buf_putc(out, '^');
	chars = count_chars(str_slice(line, start, end));
	for (size_t i = 1; i < chars; i++)
		buf_putc(out, '~');
	if (hint)
		buf_printf(out, " %s", hint);
	buf_putc(out, '\n');
}

static void put_place(struct buf *out, const struct source *source, struct position at)
{
	buf_printf(out, "%s:%u:%u: ", source_name(source), at.line, at.column);
}

static void put_diag(const struct diag *d, struct buf *out)
{
	struct position at = source_position(d->source, d->span.start);
	struct str line = source_line(d->source, at.line);
	size_t line_start = source_line_start(d->source, at.line);
	size_t start = d->span.start - line_start;

	put_place(out, d->source, at);
	buf_printf(out, "%s: %s [%s]\n", diag_severity_name(d->severity), d->text,
		   diag_code_info(d->code)->name);
	put_snippet(out, at.line, line, start,
		    d->span.end > d->span.start ? d->span.end - line_start : start,
		    d->hint);
	for (size_t i = 0; i < d->notes.len; i++) {
		put_place(out, d->source,
			  source_position(d->source, d->notes.items[i].span.start));
		buf_printf(out, "note: %s\n", d->notes.items[i].text);
	}
}

static void put_rest(const struct diag_list *l, enum diag_severity severity,
		     struct buf *out)
{
	size_t hidden = l->counts[severity] - l->kept[severity];

	if (hidden > 0)
		buf_printf(out, "%s: %zu more %s%s not shown\n", source_name(l->source),
			   hidden, diag_severity_name(severity),
			   hidden == 1 ? " is" : "s are");
}

void diag_write_text(struct diag_list *l, struct buf *out)
{
	diag_list_sort(l);
	for (size_t i = 0; i < l->diags.len; i++)
		put_diag(l->diags.items[i], out);
	put_rest(l, DIAG_ERROR, out);
	put_rest(l, DIAG_WARNING, out);
}
