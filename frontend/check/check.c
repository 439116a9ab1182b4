/* SPDX-License-Identifier: MIT
 * check.c - the order of the checks: see check.h.
 */
#include "frontend/check/check.h"

#include <string.h>

#include "frontend/check/check_private.h"

/* Each word of an allow comment must be a code, else it would allow nothing unnoticed. */
static void check_allow_words(struct check *c, const struct source *source,
			      struct str words)
{
	struct str word;
	enum diag_code code;

	while (str_next_word(&words, &word)) {
		struct span span;
		const char *near;
		struct diag *d;

		if (str_ends_with(word, ","))
			word.len--;
		if (diag_code_find(word, &code))
			continue;
		span.start = (uint32_t)(word.data - source_text(source).data);
		span.end = span.start + (uint32_t)word.len;
		d = diag_add(c->diags, DIAG_UNKNOWN_CODE, span,
			     "'%.*s' is the code of no diagnostic", STR_ARG(word));
		near = diag_is_crowded(c->diags) ? NULL : diag_code_nearest(word);
		if (near)
			diag_hint(d, "did you mean '%s'?", near);
		else
			diag_hint(d, "'dagbuild check --list' shows all codes");
	}
}

static void check_allow_comments(struct check *c)
{
	static const char mark[] = "# dagbuild: allow ";
	const struct source *source = c->def->source;
	struct str rest = source_text(source);
	const char *at;

	while (rest.len > 0 &&
	       (at = memmem(rest.data, rest.len, mark, sizeof(mark) - 1)) != NULL) {
		struct str line;

		rest = str_slice(rest, (size_t)(at - rest.data) + sizeof(mark) - 1,
				 rest.len);
		scan_line(&rest, &line);
		check_allow_words(c, source, line);
	}
}

static void check_stage(struct check *c, const struct def_stage *stage)
{
	if (def_section(stage, DEF_PRE) || def_section(stage, DEF_SETUP))
		c->is_script_on_host = true;
	for (const struct def_argument *a = stage->arguments; a; a = a->next)
		if (!a->is_used && !stage->is_partial)
			diag_hint(diag_add(c->diags, DIAG_UNUSED_DEFAULT, a->span,
					   "nothing in this stage uses '%s'", a->name),
				  "%%arguments of a stage count in that stage only");
	check_scripts(c, stage);
	/* The values of the others are not what was meant. */
	if (stage->is_partial)
		return;
	check_agent(c, stage);
	check_files(c, stage);
	check_meta(c, stage);
}

void check_definition(const struct definition *def, const struct check_options *options,
		      struct diag_list *diags)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct check c = {.def = def, .options = options, .diags = diags, .arena = arena};

	check_names(&c);
	for (size_t i = 0; i < def->n_stages; i++)
		check_stage(&c, &def->stages[i]);
	check_allow_comments(&c);
	map_release(&c.names);
}
