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

bool diag_allow_comment(struct str line, struct str *codes)
{
	static const char prefix[] = "dagbuild: allow ";

	line = str_trim_left(line);
	if (!str_starts_with(line, "#"))
		return false;
	line = str_trim_left(str_slice(line, 1, line.len));
	if (!str_starts_with(line, prefix))
		return false;
	*codes = str_slice(line, sizeof(prefix) - 1, line.len);
	return true;
}

/* A code without a comma after it is the last one: what follows is a reason. */
bool diag_allow_code(struct str *codes, struct str *code)
{
	if (!str_next_word(codes, code))
		return false;
	if (str_ends_with(*code, ","))
		code->len--;
	else
		*codes = str_slice(*codes, codes->len, codes->len);
	return true;
}

/* Read the comment before the line of `d`, once for all diagnostics on a line. */
static void read_comment(struct diag_list *l, const struct diag *d, unsigned line)
{
	struct str codes, name;
	enum diag_code code;

	memset(l->allowed, 0, sizeof(l->allowed));
	l->allowed_source = d->source;
	l->allowed_line = line;
	if (!diag_allow_comment(source_line(d->source, line - 1), &codes))
		return;
	while (diag_allow_code(&codes, &name))
		if (diag_code_find(name, &code))
			l->allowed[code] = true;
}

static bool is_wanted(struct diag_list *l, const struct diag *d)
{
	unsigned line;

	if (!diag_code_info(d->code)->can_be_disabled)
		return true;
	if (l->options.disabled[d->code])
		return false;
	line = source_line_number(d->source, d->span.start);
	if (d->source != l->allowed_source || line != l->allowed_line)
		read_comment(l, d, line);
	return !l->allowed[d->code];
}

/* ---- adding ---- */

/* Twice as many are kept as are shown, so that pruning is rare. */
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
	if (!is_wanted(l, d)) {
		l->dropped = d;
		return d;
	}
	prune(l);
	l->counts[d->severity]++;
	l->kept[d->severity]++;
	vec_push(&l->diags, d);
	return d;
}

PRINTF(3, 0)
static struct diag *add_text(struct diag_list *l, const struct diag *given,
			     const char *format, va_list args)
{
	struct diag *d = xmalloc(sizeof(*d));

	*d = *given;
	d->text = xvasprintf(format, args);
	return add(l, d);
}

struct diag *diag_add(struct diag_list *l, enum diag_code code, struct span span,
		      const char *format, ...)
{
	struct diag given = {.code = code,
			     .severity = diag_code_info(code)->severity,
			     .source = l->source,
			     .span = span};
	struct diag *d;
	va_list args;

	va_start(args, format);
	d = add_text(l, &given, format, args);
	va_end(args);
	return d;
}

struct diag *diag_add_in(struct diag_list *l, const struct source *source,
			 enum diag_code code, enum diag_severity severity,
			 struct span span, const char *format, ...)
{
	struct diag given = {
		.code = code, .severity = severity, .source = source, .span = span};
	struct diag *d;
	va_list args;

	va_start(args, format);
	d = add_text(l, &given, format, args);
	va_end(args);
	return d;
}

void diag_note(struct diag *d, struct span span, const char *format, ...)
{
	struct diag_remark note = {.span = span};
	va_list args;

	va_start(args, format);
	note.text = xvasprintf(format, args);
	va_end(args);
	vec_push(&d->notes, note);
}

void diag_hint(struct diag *d, const char *format, ...)
{
	va_list args;

	free(d->hint);
	va_start(args, format);
	d->hint = xvasprintf(format, args);
	va_end(args);
}

void diag_visit_errors(struct diag_list *l,
		       void (*visit)(void *context, struct diag *d, struct span span),
		       void *context)
{
	for (size_t i = 0; i < l->diags.len; i++) {
		struct diag *d = l->diags.items[i];

		if (d->severity == DIAG_ERROR && d->source == l->source)
			visit(context, d, d->span);
	}
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

/* What is not in the definition (but on a command line, in a file of arguments) comes
 * last. */
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
