/* SPDX-License-Identifier: MIT
 * build_args.c - see build_args.h.
 */
#include "frontend/def/build_args.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/vec.h"
#include "frontend/def/scan.h"

struct build_arg {
	char *name, *value;
	const struct source *source;
	struct span span; /* the name */
	bool is_flag, is_used;
};

/* A line of the file that is not a pair. */
struct bad_line {
	const struct source *source;
	struct span span;
};

struct build_args {
	VEC(struct source *) sources;
	VEC(struct build_arg *) items; /* one for each name */
	VEC(struct bad_line) bad;
	struct map names; /* to items */
};

struct build_args *build_args_new(void)
{
	return xcalloc(1, sizeof(struct build_args));
}

void build_args_free(struct build_args *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->items.len; i++) {
		free(a->items.items[i]->name);
		free(a->items.items[i]->value);
		free(a->items.items[i]);
	}
	for (size_t i = 0; i < a->sources.len; i++)
		source_free(a->sources.items[i]);
	vec_free(&a->items);
	vec_free(&a->sources);
	vec_free(&a->bad);
	map_release(&a->names);
	free(a);
}

void build_args_freep(struct build_args **a)
{
	build_args_free(*a);
	*a = NULL;
}

static struct span span_in(const struct source *source, struct str slice)
{
	uint32_t start = (uint32_t)(slice.data - source_text(source).data);

	return (struct span){start, start + (uint32_t)slice.len};
}

static void set(struct build_args *a, const struct source *source, struct str name,
		struct str value, bool is_flag, struct span span)
{
	CLEANUP(freep) char *key = str_dup(name);
	struct build_arg *arg = map_get(&a->names, key);

	if (arg && arg->is_flag && !is_flag)
		return;
	if (!arg) {
		arg = xcalloc(1, sizeof(*arg));
		arg->name = STEAL(key);
		map_set(&a->names, arg->name, arg);
		vec_push(&a->items, arg);
	}
	free(arg->value);
	arg->value = str_dup(value);
	arg->source = source;
	arg->span = span;
	arg->is_flag = is_flag;
}

/* ---- flags ---- */

/* Append the next field of a record (Go's encoding/csv) to `out`; false when it is
 * malformed.  `*more`: a comma follows. */
static bool take_field(struct str *rest, struct buf *out, bool *more)
{
	struct str field;

	buf_clear(out);
	if (!str_starts_with(*rest, "\"")) {
		*more = str_cut(*rest, ',', &field, rest);
		buf_append(out, field.data, field.len);
		return str_find(field, '"') == field.len &&
		       str_find(field, '\n') == field.len;
	}
	*rest = str_slice(*rest, 1, rest->len);
	for (;;) {
		size_t quote = str_find(*rest, '"');

		if (quote == rest->len)
			return false;
		buf_append(out, rest->data, quote);
		*rest = str_slice(*rest, quote + 1, rest->len);
		if (!str_starts_with(*rest, "\""))
			break;
		buf_putc(out, '"');
		*rest = str_slice(*rest, 1, rest->len);
	}
	*more = str_starts_with(*rest, ",");
	if (!*more && rest->len > 0)
		return false;
	*rest = str_slice(*rest, 1, rest->len);
	return true;
}

/* `written` is the flag's text from the field on, to find the name's place. */
static struct err *add_flag_field(struct build_args *a, const struct source *source,
				  struct str field, struct str written)
{
	struct str name, value;
	const char *at;

	if (!str_cut(field, '=', &name, &value) || scan_trim(name).len == 0)
		return err_hint(err_new(ERR_USAGE, "'%.*s' is not a build argument",
					STR_ARG(field)),
				"write NAME=VALUE");
	name = scan_trim(name);
	at = memmem(written.data, written.len, name.data, name.len);
	/* A name with quotes in it is written differently there. */
	set(a, source, name, scan_trim(value), true,
	    span_in(source, at ? str_make(at, name.len) : str_slice(written, 0, 1)));
	return NULL;
}

struct err *build_args_flag(struct build_args *a, const char *value)
{
	struct source *source = source_new("--build-arg", str_of(value));
	CLEANUP(buf_release) struct buf field = BUF_INIT;
	struct str rest = source_text(source);
	bool more = rest.len > 0;

	vec_push(&a->sources, source);
	while (more) {
		struct str written = rest;

		if (!take_field(&rest, &field, &more))
			return err_hint(err_new(ERR_USAGE,
						"'%s' has a quote or a line end in the "
						"wrong place",
						value),
					"put all of it in quotes, '\"NAME=VALUE\"', when "
					"a value has a comma, a quote or a line end, and "
					"double each quote in it");
		TRY(add_flag_field(a, source, str_make(buf_text(&field), field.len),
				   written));
	}
	return NULL;
}

/* ---- the file ---- */

void build_args_file(struct build_args *a, const char *path, char *text, size_t len)
{
	struct source *source = source_adopt(path, text, len);
	struct str rest = source_text(source), line, name, value;

	vec_push(&a->sources, source);
	while (scan_line(&rest, &line)) {
		bool is_pair = str_cut(line, '=', &name, &value);

		name = scan_trim(name);
		if (is_pair && name.len > 0) {
			set(a, source, name, scan_trim(value), false,
			    span_in(source, name));
		} else if (scan_trim(line).len > 0) {
			struct bad_line bad = {source, span_in(source, scan_trim(line))};

			vec_push(&a->bad, bad);
		}
	}
}

/* ---- looking them up ---- */

const char *build_args_find(struct build_args *a, const char *name, bool use)
{
	struct build_arg *arg = a ? map_get(&a->names, name) : NULL;

	if (!arg)
		return NULL;
	arg->is_used |= use;
	return arg->value;
}

const char *build_args_nearest(const struct build_args *a, struct str name)
{
	const char *nearest = NULL;
	size_t best = 3;

	for (size_t i = 0; a && i < a->items.len; i++) {
		const char *other = a->items.items[i]->name;
		size_t distance = str_distance(name, str_of(other), best - 1);

		if (distance < best && distance < name.len) {
			best = distance;
			nearest = other;
		}
	}
	return nearest;
}

void build_args_check(const struct build_args *a, enum diag_severity unused,
		      bool is_partial, struct diag_list *diags)
{
	for (size_t i = 0; i < a->bad.len; i++)
		diag_hint(diag_add_in(diags, a->bad.items[i].source,
				      DIAG_MALFORMED_ARGUMENT, DIAG_WARNING,
				      a->bad.items[i].span,
				      "this line of arguments is ignored"),
			  "write 'NAME=VALUE'");
	for (size_t i = 0; i < a->items.len && !is_partial; i++) {
		const struct build_arg *arg = a->items.items[i];

		if (!arg->is_used)
			diag_hint(diag_add_in(diags, arg->source, DIAG_UNUSED_ARGUMENT,
					      unused, arg->span,
					      "no stage uses the build argument '%s'",
					      arg->name),
				  "write '{{ %s }}' where its value belongs; a use "
				  "within another argument's value does not count",
				  arg->name);
	}
}
