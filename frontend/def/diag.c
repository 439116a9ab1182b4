/* SPDX-License-Identifier: MIT
 * diag.c - collecting diagnostics: see diag.h.
 */
#include "frontend/def/diag.h"

#include <stdlib.h>
#include <string.h>

#include "frontend/def/diag_private.h"

struct diag_list *diag_list_new(const struct source *source,
				const struct diag_options *options)
{
	struct diag_list *l = xcalloc(1, sizeof(*l));

	l->source = source;
	if (options)
		l->options = *options;
	return l;
}

static void diag_free(struct diag *d)
{
	if (!d)
		return;
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
	diag_free(l->dropped);
	free(l);
}

void diag_list_freep(struct diag_list **l)
{
	diag_list_free(*l);
	*l = NULL;
}

/* ---- which ones are wanted ---- */

static bool allows(struct str line, const char *code)
{
	static const char prefix[] = "dagbuild: allow ";
	struct str word;

	line = str_trim(line);
	if (!str_starts_with(line, "#"))
		return false;
	line = str_trim(str_slice(line, 1, line.len));
	if (!str_starts_with(line, prefix))
		return false;
	line = str_slice(line, sizeof(prefix) - 1, line.len);
	while (str_next_word(&line, &word)) {
		if (str_ends_with(word, ","))
			word.len--;
		if (str_is(word, code))
			return true;
	}
	return false;
}

static bool is_wanted(const struct diag_list *l, const struct diag *d)
{
	const struct diag_code_info *info = diag_code_info(d->code);
	unsigned line;

	if (!info->can_be_disabled)
		return true;
	if (l->options.disabled[d->code])
		return false;
	line = source_position(d->source, d->span.start).line;
	return !allows(source_line(d->source, line - 1), info->name);
}

/* A draft and what becomes of it have the same mistakes. */
static bool is_repeated(const struct diag_list *l, const struct diag *d)
{
	for (size_t i = 0; i < l->diags.len; i++) {
		const struct diag *other = l->diags.items[i];

		if (other->code == d->code && other->source == d->source &&
		    other->span.start == d->span.start &&
		    strcmp(other->text, d->text) == 0)
			return true;
	}
	return false;
}

/* ---- adding ---- */

/* Names in a text are the file's: no escape sequence of theirs reaches a terminal. */
static char *clean(char *text)
{
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	return text;
}

/* What is kept is twice what is shown, so that pruning is rare. */
static void prune(struct diag_list *l)
{
	if (l->kept[DIAG_ERROR] >= 2 * (size_t)DIAG_SHOWN ||
	    l->kept[DIAG_WARNING] >= 2 * (size_t)DIAG_SHOWN)
		diag_list_sort(l);
}

static struct diag *add(struct diag_list *l, struct diag *d)
{
	if (d->severity == DIAG_WARNING && l->options.werror)
		d->severity = DIAG_ERROR;
	d->order = l->added++;
	diag_free(l->dropped);
	l->dropped = NULL;
	if (is_repeated(l, d) || !is_wanted(l, d)) {
		l->dropped = d;
		return d;
	}
	prune(l);
	l->counts[d->severity]++;
	l->kept[d->severity]++;
	vec_push(&l->diags, d);
	return d;
}

struct diag *diag_add(struct diag_list *l, enum diag_code code, struct span span,
		      const char *format, ...)
{
	struct diag *d = xcalloc(1, sizeof(*d));
	va_list args;

	d->code = code;
	d->severity = diag_code_info(code)->severity;
	d->source = l->source;
	d->span = span;
	va_start(args, format);
	d->text = clean(xvasprintf(format, args));
	va_end(args);
	return add(l, d);
}

struct diag *diag_add_in(struct diag_list *l, const struct source *source,
			 enum diag_code code, enum diag_severity severity,
			 struct span span, const char *format, ...)
{
	struct diag *d = xcalloc(1, sizeof(*d));
	va_list args;

	d->code = code;
	d->severity = severity;
	d->source = source;
	d->span = span;
	va_start(args, format);
	d->text = clean(xvasprintf(format, args));
	va_end(args);
	return add(l, d);
}

void diag_note(struct diag *d, struct span span, const char *format, ...)
{
	struct diag_remark note = {.span = span};
	va_list args;

	va_start(args, format);
	note.text = clean(xvasprintf(format, args));
	va_end(args);
	vec_push(&d->notes, note);
}

void diag_hint(struct diag *d, const char *format, ...)
{
	va_list args;

	free(d->hint);
	va_start(args, format);
	d->hint = clean(xvasprintf(format, args));
	va_end(args);
}

/* ---- reading ---- */

size_t diag_count(const struct diag_list *l, enum diag_severity severity)
{
	return l->counts[severity];
}

bool diag_is_crowded(const struct diag_list *l)
{
	return l->added > 16 * (size_t)DIAG_SHOWN;
}

/* What stands in no definition (a command line, a file of arguments) comes last. */
static int by_place(const void *a, const void *b, void *definition)
{
	const struct diag *x = *(const struct diag *const *)a,
			  *y = *(const struct diag *const *)b;
	bool x_inside = x->source == definition, y_inside = y->source == definition;

	if (x_inside != y_inside)
		return x_inside ? -1 : 1;
	if (x_inside && x->span.start != y->span.start)
		return x->span.start < y->span.start ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

void diag_list_sort(struct diag_list *l)
{
	size_t kept = 0;

	if (l->diags.len == 0)
		return;
	qsort_r(l->diags.items, l->diags.len, sizeof(struct diag *), by_place,
		(void *)l->source);
	memset(l->kept, 0, sizeof(l->kept));
	for (size_t i = 0; i < l->diags.len; i++) {
		struct diag *d = l->diags.items[i];

		if (l->kept[d->severity] == DIAG_SHOWN) {
			diag_free(d);
			continue;
		}
		l->kept[d->severity]++;
		l->diags.items[kept++] = d;
	}
	l->diags.len = kept;
}

const char *diag_severity_name(enum diag_severity severity)
{
	return severity == DIAG_ERROR ? "error" : "warning";
}

size_t diag_hidden(const struct diag_list *l, enum diag_severity severity)
{
	return l->counts[severity] - l->kept[severity];
}

struct diag_region diag_region(const struct source *source, struct span span)
{
	size_t end = span.end > span.start ? span.end : span.start;

	return (struct diag_region){
		.start = source_position(source, span.start),
		.end = source_position(source, end),
	};
}

const struct diag_format *diag_format_find(const char *name)
{
	static const struct diag_format formats[] = {
		{"text", diag_write_text},
		{"json", diag_write_json},
		{"sarif", diag_write_sarif},
	};

	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	return NULL;
}
