/* SPDX-License-Identifier: MIT
 * diag_text.c - diagnostics for people: the line, with carets under what is meant.
 *
 * A file's name and text may hold any bytes: everything that is put here is made visible,
 * with a `?` of one column for what cannot be shown; tabs of a line are kept.
 */
#include <string.h>

#include "base/utf8.h"
#include "base/visible.h"
#include "frontend/def/diag_private.h"

/* How many columns of a line are shown; of a longer one, those around the span. */
static const size_t SHOWN_MAX = 100;
static const size_t BEFORE_MAX = 40;

/* What of a line is shown, in bytes, and what of that is underlined. */
struct window {
	size_t from, to;
	size_t start, end;
};

/* The byte that is `columns` after byte `at`, or the end. */
static size_t forward(struct str s, size_t at, size_t columns)
{
	struct str rest = str_slice(s, at, s.len), c;

	while (utf8_next(&rest, &c) && utf8_width(c) <= columns) {
		columns -= utf8_width(c);
		at += c.len;
	}
	return at;
}

static struct window find_window(struct str line, size_t start, size_t end)
{
	size_t before = utf8_width(str_slice(line, 0, start));
	struct window w = {.from = 0};

	if (before > BEFORE_MAX && utf8_width(line) > SHOWN_MAX)
		w.from = forward(line, 0, before - BEFORE_MAX);
	w.to = forward(line, w.from, SHOWN_MAX);
	w.start = start < w.to ? start : w.to;
	w.end = end < w.to ? end : w.to;
	return w;
}

static void put_repeated(struct buf *out, char c, size_t n)
{
	for (; n > 0; n--)
		buf_putc(out, c);
}

/* Put `mark` once for each column of the text; tabs stay tabs, so that both lines stay
 * aligned. */
static void put_below(struct buf *out, struct str text, char mark)
{
	struct str c;

	while (utf8_next(&text, &c)) {
		if (c.data[0] == '\t')
			buf_putc(out, '\t');
		else
			put_repeated(out, mark, utf8_width(c));
	}
}

static void put_carets(struct buf *out, struct str marked)
{
	struct str first;

	buf_putc(out, '^');
	if (!utf8_next(&marked, &first))
		return;
	if (utf8_width(first) > 1)
		buf_putc(out, '~');
	put_below(out, marked, '~');
}

/* The line with carets below its bytes from `start` to `end`. */
static void put_snippet(struct buf *out, unsigned number, struct str line,
			struct window w, const char *hint)
{
	char margin[16];
	int width = snprintf(margin, sizeof(margin), "%5u", number);

	buf_printf(out, "%s | %s", margin, w.from > 0 ? "..." : "");
	visible_lines(out, str_slice(line, w.from, w.to));
	buf_puts(out, w.to < line.len ? "...\n" : "\n");
	buf_printf(out, "%*s | %s", width, "", w.from > 0 ? "   " : "");
	put_below(out, str_slice(line, w.from, w.start), ' ');
	put_carets(out, str_slice(line, w.start, w.end));
	if (hint) {
		buf_putc(out, ' ');
		visible_line(out, str_of(hint));
	}
	buf_putc(out, '\n');
}

/* "x.def:3:8: error: the text" */
static void put_message(struct buf *out, const struct source *source, struct span span,
			const char *what, const char *text)
{
	struct position at = source_position(source, span.start);

	visible_line(out, str_of(source_name(source)));
	buf_printf(out, ":%u:%u: %s: ", at.line, at.column, what);
	visible_line(out, str_of(text));
}

static void put_diag(struct buf *out, const struct diag *d)
{
	unsigned number = source_position(d->source, d->span.start).line;
	struct str line = source_line(d->source, number);
	size_t line_start = source_line_start(d->source, number);
	size_t end = d->span.end > d->span.start ? d->span.end : d->span.start;

	put_message(out, d->source, d->span, diag_severity_name(d->severity), d->text);
	buf_printf(out, " [%s]\n", diag_code_info(d->code)->name);
	put_snippet(out, number, line,
		    find_window(line, d->span.start - line_start, end - line_start),
		    d->hint);
	for (size_t i = 0; i < d->notes.len; i++) {
		put_message(out, d->source, d->notes.items[i].span, "note",
			    d->notes.items[i].text);
		buf_putc(out, '\n');
	}
}

static void put_rest(struct buf *out, const struct diag_list *l,
		     enum diag_severity severity)
{
	size_t hidden = diag_hidden(l, severity);

	if (hidden == 0)
		return;
	visible_line(out, str_of(source_name(l->source)));
	buf_printf(out, ": %zu more %s%s not shown\n", hidden,
		   diag_severity_name(severity), hidden == 1 ? " is" : "s are");
}

void diag_write_text(struct diag_list *l, struct buf *out)
{
	diag_list_sort(l);
	for (size_t i = 0; i < l->diags.len; i++)
		put_diag(out, l->diags.items[i]);
	put_rest(out, l, DIAG_ERROR);
	put_rest(out, l, DIAG_WARNING);
}
