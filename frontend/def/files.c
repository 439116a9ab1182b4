/* SPDX-License-Identifier: MIT
 * files.c - `%files` sections: where from, and the list of copies.
 *
 * Apptainer ignores a %files section whose arguments it does not understand, and words on
 * a line that it does not need; here these are errors and warnings.
 */
#include <string.h>

#include "frontend/def/parse_private.h"

/* ---- the section line ---- */

static void malformed(const struct parser *p, struct span name, struct str args)
{
	struct str shown = str_trim(args);
	struct diag *d = diag_add(p->diags, DIAG_ERROR, "malformed-files",
				  shown.len > 0 ? parse_span(p, shown) : name,
				  "%%files does not say where from");

	diag_hint(p->diags, d,
		  "write '%%files' to copy from the host, '%%files from STAGE' to "
		  "copy from a stage");
}

/* Empty: from the host.  Two words: from the stage that the second names. */
static void parse_args(const struct parser *p, struct span name, struct str args,
		       struct def_files *out)
{
	struct str rest = str_slice(args, 0, str_find(args, '#')), first, stage, third;

	if (rest.len == 0)
		return;
	if (!str_next_word(&rest, &first) || !str_next_word(&rest, &stage) ||
	    str_next_word(&rest, &third) || !str_equal_nocase(first, STR("from"))) {
		malformed(p, name, args);
		return;
	}
	out->from = arena_dup(p->arena, stage);
	out->from_span = parse_span(p, stage);
}

static struct files_group *group_of(const struct parser *p, struct files_groups *groups,
				    struct span name, struct str args)
{
	struct files_group group = {.args = args, .files = {.span = name}};

	for (size_t i = 0; i < groups->items.len; i++)
		if (str_equal(groups->items.items[i].args, args))
			return &groups->items.items[i];
	parse_args(p, name, args, &group.files);
	vec_push(&groups->items, group);
	return &groups->items.items[groups->items.len - 1];
}

/* ---- the lines ---- */

/* The next word: a run without blanks and quotes, or what stands between two double
 * quotes. */
static bool next_word(struct str *rest, struct str *word)
{
	struct str s = *rest;
	size_t n = 0;

	for (;;) {
		size_t quote;

		s = str_trim_left(s);
		if (s.len == 0 || s.data[0] != '"')
			break;
		quote = str_find(str_slice(s, 1, s.len), '"');
		if (quote + 1 < s.len) {
			*word = str_slice(s, 1, quote + 1);
			*rest = str_slice(s, quote + 2, s.len);
			return true;
		}
		/* A quote without a second one is dropped. */
		s = str_slice(s, 1, s.len);
	}
	while (n < s.len && !char_is_blank(s.data[n]) && s.data[n] != '"')
		n++;
	*word = str_slice(s, 0, n);
	*rest = str_slice(s, n, s.len);
	return n > 0;
}

static void warn_about_words(const struct parser *p, struct str line, struct str source,
			     struct str rest)
{
	struct str third;
	struct diag *d;

	if (source.len > 0 && source.data[0] == '\'') {
		d = diag_add(p->diags, DIAG_WARNING, "single-quotes",
			     parse_span(p, source),
			     "single quotes are part of the name here");
		diag_hint(p->diags, d, "use double quotes for names with blanks");
	}
	if (next_word(&rest, &third)) {
		d = diag_add(p->diags, DIAG_WARNING, "extra-word", parse_span(p, third),
			     "a line of %%files has two words: this one is ignored");
		diag_hint(p->diags, d, "use double quotes for names with blanks");
	}
	(void)line;
}

static void parse_copy(const struct parser *p, struct str line, struct files_group *group)
{
	struct str rest = line, source, target;
	struct def_copy copy = {.span = parse_span(p, line)};

	if (!next_word(&rest, &source)) {
		diag_add(p->diags, DIAG_ERROR, "malformed-files", copy.span,
			 "this line of %%files names nothing");
		return;
	}
	if (source.len == 0) {
		diag_add(p->diags, DIAG_WARNING, "empty-source", copy.span,
			 "the source is empty: nothing is copied");
		return;
	}
	if (!next_word(&rest, &target))
		target = STR("");
	if (str_is(target, "#"))
		diag_add(p->diags, DIAG_WARNING, "comment-as-target",
			 parse_span(p, target),
			 "%%files has no comments at the end of a line: '#' is the "
			 "target");
	else
		warn_about_words(p, line, source, rest);
	copy.source = arena_dup(p->arena, source);
	copy.target = arena_dup(p->arena, target);
	vec_push(&group->copies, copy);
}

void parse_files(const struct parser *p, struct span name, struct str args, size_t start,
		 size_t end, struct files_groups *groups)
{
	struct files_group *group = group_of(p, groups, name, args);
	struct line line;

	for (; parse_line_at(p, start, end, &line); start = line.next) {
		struct str text = str_trim(line.text);

		if (text.len > 0 && text.data[0] != '#')
			parse_copy(p, text, group);
	}
}

void parse_files_finish(const struct parser *p, struct files_groups *groups,
			struct def_stage *stage)
{
	stage->n_files = groups->items.len;
	stage->files = arena_array(p->arena, stage->n_files, sizeof(*stage->files));
	for (size_t i = 0; i < stage->n_files; i++) {
		struct files_group *g = &groups->items.items[i];
		struct def_files *out = &stage->files[i];

		*out = g->files;
		out->n_copies = g->copies.len;
		out->copies = arena_array(p->arena, g->copies.len, sizeof(*out->copies));
		if (g->copies.len > 0)
			memcpy(out->copies, g->copies.items,
			       g->copies.len * sizeof(*out->copies));
		vec_free(&g->copies);
	}
	vec_free(&groups->items);
}
