/* SPDX-License-Identifier: MIT
 * check.c - the order of the checks: see check.h.
 */
#include "frontend/check/check.h"

#include <string.h>

#include "frontend/check/check_private.h"

static void unknown_code(struct check *c, struct span span, struct str name)
{
	const char *near = diag_is_crowded(c->diags) ? NULL : diag_code_nearest(name);
	struct diag *d =
		diag_add(c->diags, DIAG_UNKNOWN_CODE, span,
			 "there is no diagnostic with the code '%.*s'", STR_ARG(name));

	if (near)
		diag_hint(d, "did you mean '%s'?", near);
	else
		diag_hint(d, "'dagbuild check --list' shows all codes");
}

/* A comment that names no code, or one that cannot be allowed, has no effect: the user
 * must know. */
static void check_allow_codes(struct check *c, const struct source *source,
			      struct str codes)
{
	struct str name;
	enum diag_code code;

	while (diag_allow_code(&codes, &name)) {
		struct span span;

		span.start = (uint32_t)(name.data - source_text(source).data);
		span.end = span.start + (uint32_t)name.len;
		if (!diag_code_find(name, &code))
			unknown_code(c, span, name);
		else if (!diag_code_info(code)->can_be_disabled)
			diag_hint(diag_add(c->diags, DIAG_UNKNOWN_CODE, span,
					   "'%.*s' cannot be allowed", STR_ARG(name)),
				  "it must be fixed before anything can be built");
	}
}

static void check_allow_comments(struct check *c)
{
	const struct source *source = c->def->source;
	struct str rest = source_text(source), line, codes;

	if (!memmem(rest.data, rest.len, "dagbuild: allow ", 16))
		return;
	while (scan_line(&rest, &line))
		if (diag_allow_comment(line, &codes))
			check_allow_codes(c, source, codes);
}

static void check_defaults(struct check *c, const struct def_stage *stage)
{
	struct map last = MAP_INIT; /* the one that counts, of a name */

	for (const struct def_argument *a = stage->arguments; a; a = a->next)
		map_set(&last, a->name, (void *)a);
	for (const struct def_argument *a = stage->arguments; a; a = a->next) {
		if (map_get(&last, a->name) != a)
			diag_hint(diag_add(c->diags, DIAG_UNUSED_DEFAULT, a->span,
					   "'%s' is set again below: this value is not "
					   "used",
					   a->name),
				  "remove it");
		else if (!a->is_used)
			diag_hint(diag_add(c->diags, DIAG_UNUSED_DEFAULT, a->span,
					   "nothing in this stage uses '%s'", a->name),
				  "%%arguments apply only to the stage that they are in");
	}
	map_release(&last);
}

static void check_stage(struct check *c, const struct def_stage *stage)
{
	static const enum def_kind on_host[] = {DEF_PRE, DEF_SETUP};

	for (size_t i = 0; i < ARRAY_LEN(on_host); i++)
		if (def_script(stage, on_host[i]))
			vec_push(&c->host_scripts, def_script(stage, on_host[i]));
	if (!stage->is_partial)
		check_defaults(c, stage);
	check_scripts(c, stage);
	/* The values of partial stages are not what was meant. */
	if (!stage->is_partial) {
		check_agent(c, stage);
		check_files(c, stage);
		check_meta(c, stage);
	}
	check_empty_report(c);
}

/* An argument with an empty value causes the errors on its line: say that it is what to
 * fix. */
static void name_empty_argument(void *context, struct diag *d, struct span span)
{
	const struct check *c = context;
	const struct source *source = c->def->source;
	unsigned line = source_line_number(source, span.start);
	const struct span *emptied = c->def->text.emptied;
	size_t low = 0, high = c->def->text.n_emptied;
	struct scan_placeholder found;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (source_line_number(source, emptied[middle].start) < line)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == c->def->text.n_emptied ||
	    source_line_number(source, emptied[low].start) != line ||
	    !scan_placeholder(source_slice(source, emptied[low]), &found))
		return;
	diag_hint(d,
		  "the argument '%.*s' has an empty value: give '--build-arg %.*s=VALUE'",
		  STR_ARG(found.name), STR_ARG(found.name));
}

void check_definition(const struct definition *def, const struct check_options *options,
		      struct diag_list *diags)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct check c = {.def = def, .options = options, .diags = diags, .arena = arena};

	c.used = arena_array(arena, def->n_stages, sizeof(*c.used));
	check_names(&c);
	for (size_t i = 0; i < def->n_stages; i++)
		check_stage(&c, &def->stages[i]);
	check_allow_comments(&c);
	if (def->text.n_emptied > 0)
		diag_visit_errors(diags, name_empty_argument, &c);
	map_release(&c.names);
	vec_free(&c.host_scripts);
	vec_free(&c.empty);
	vec_free(&c.targets);
}
