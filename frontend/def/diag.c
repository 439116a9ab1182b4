/* SPDX-License-Identifier: MIT
 * diag.c - see diag.h.
 */
#include "frontend/def/diag.h"

#include <stdlib.h>

#include "base/vec.h"

static const size_t ERRORS_SHOWN = 20;
/* Characters of a line that are shown; of a longer one those around the span. */
static const size_t SHOWN_MAX = 100;
static const size_t BEFORE_MAX = 40;

struct note {
	struct span span;
	char *text;
};

struct diag {
	enum diag_severity severity;
	const char *code;
	struct span span;
	char *text, *hint;
	VEC(struct note) notes;
	size_t order; /* of adding */
};

struct diag_list {
	const struct source *source;
	VEC(struct diag *) diags;
};

struct diag_list *diag_list_new(const struct source *source)
{
	struct diag_list *l = xcalloc(1, sizeof(*l));

	l->source = source;
	return l;
}

static void diag_free(struct diag *d)
{
	for (size_t i = 0; i < d->notes.len; i++)
		free(d->notes.items[i].text);
	vec_free(&d->notes);
	free(d->text);
	free(d->hint);
	free(d);
}

void diag_list_free(struct diag_list *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->diags.len; i++)
		diag_free(l->diags.items[i]);
	vec_free(&l->diags);
	free(l);
}

void diag_list_freep(struct diag_list **l)
{
	diag_list_free(*l);
	*l = NULL;
}

struct diag *diag_add(struct diag_list *l, enum diag_severity severity, const char *code,
		      struct span span, const char *format, ...)
{
	struct diag *d = xcalloc(1, sizeof(*d));
	va_list args;

	d->severity = severity;
	d->code = code;
	d->span = span;
	d->order = l->diags.len;
	va_start(args, format);
	d->text = xvasprintf(format, args);
	va_end(args);
	vec_push(&l->diags, d);
	return d;
}

void diag_note(struct diag_list *l, struct diag *d, struct span span, const char *format,
	       ...)
{
	struct note note = {.span = span};
	va_list args;

	(void)l;
	va_start(args, format);
	note.text = xvasprintf(format, args);
	va_end(args);
	vec_push(&d->notes, note);
}

void diag_hint(struct diag_list *l, struct diag *d, const char *format, ...)
{
	va_list args;

	(void)l;
	free(d->hint);
	va_start(args, format);
	d->hint = xvasprintf(format, args);
	va_end(args);
}

size_t diag_count(const struct diag_list *l, enum diag_severity severity)
{
	size_t n = 0;

	for (size_t i = 0; i < l->diags.len; i++)
		n += l->diags.items[i]->severity == severity;
	return n;
}

/* ---- rendering ---- */

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

static void put_diag(const struct diag_list *l, const struct diag *d, struct buf *out)
{
	static const char *const names[] = {"error", "warning", "note"};
	struct position at = source_position(l->source, d->span.start);
	struct str line = source_line(l->source, at.line);
	size_t line_start = source_line_start(l->source, at.line);

	buf_printf(out, "%s:%u:%u: %s: %s [%s]\n", source_name(l->source), at.line,
		   at.column, names[d->severity], d->text, d->code);
	put_snippet(out, at.line, line, d->span.start - line_start,
		    d->span.end > d->span.start ? d->span.end - line_start
						: d->span.start - line_start,
		    d->hint);
	for (size_t i = 0; i < d->notes.len; i++) {
		at = source_position(l->source, d->notes.items[i].span.start);
		buf_printf(out, "%s:%u:%u: note: %s\n", source_name(l->source), at.line,
			   at.column, d->notes.items[i].text);
	}
}

static int by_place(const void *a, const void *b)
{
	const struct diag *x = *(const struct diag *const *)a,
			  *y = *(const struct diag *const *)b;

	if (x->span.start != y->span.start)
		return x->span.start < y->span.start ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

void diag_render(const struct diag_list *l, struct buf *out)
{
	size_t n = l->diags.len, errors = 0, hidden = 0;
	CLEANUP(freep) struct diag **sorted = xcalloc(n, sizeof(*sorted));

	for (size_t i = 0; i < n; i++)
		sorted[i] = l->diags.items[i];
	qsort(sorted, n, sizeof(*sorted), by_place);
	for (size_t i = 0; i < n; i++) {
		if (sorted[i]->severity == DIAG_ERROR && errors++ >= ERRORS_SHOWN)
			hidden++;
		else
			put_diag(l, sorted[i], out);
	}
	if (hidden > 0)
		buf_printf(out, "%s: %zu more errors are not shown\n",
			   source_name(l->source), hidden);
}
