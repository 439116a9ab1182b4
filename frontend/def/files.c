/* SPDX-License-Identifier: MIT
 * files.c - `%files` and `%appfiles` sections: where from, and the list of copies.
 *
 * Apptainer ignores a %files section whose arguments it does not understand, and words of
 * a line that it does not need; here these give errors and warnings.
 */
#include <string.h>

#include "frontend/def/parse_private.h"

/* ---- the section line ---- */

static void malformed(const struct parser *p, struct span name, struct str args)
{
	struct str shown = scan_trim(args), rest = shown, first, stage, third;
	struct diag *d = diag_add(p->diags, DIAG_MALFORMED_FILES,
				  shown.len > 0 ? parse_span(p, shown) : name,
				  "%%files does not say where to copy from");

	if (scan_word(&rest, &first) && scan_word(&rest, &stage) &&
	    !scan_word(&rest, &third) && str_distance(first, STR("from"), 2) <= 2)
		diag_hint(d, "did you mean '%%files from %.*s'?", STR_ARG(stage));
	else
		diag_hint(d, "write '%%files' to copy from the host, '%%files from "
			     "STAGE' to copy from a stage");
}

/* Empty: from the host.  Two words: from the stage that the second names. */
static bool parse_args(const struct parser *p, struct span name, struct str args,
		       struct def_files *out)
{
	struct str rest = str_slice(args, 0, str_find(args, '#')), first, stage, third;

	if (rest.len == 0)
		return true;
	if (!scan_word(&rest, &first) || !scan_word(&rest, &stage) ||
	    scan_word(&rest, &third) || !str_equal_nocase(first, STR("from"))) {
		malformed(p, name, args);
		return false;
	}
	out->from = arena_dup(p->arena, stage);
	out->from_span = parse_span(p, stage);
	return true;
}

/* Groups differ in their arguments as written.  NULL: these arguments make no group. */
static struct def_files *group_of(struct stage_builder *b, struct span name,
				  struct str args)
{
	const struct parser *p = b->parser;
	CLEANUP(freep) char *text = str_dup(args);
	struct def_files *group = map_get(&b->groups, text);
	struct def_files found = {.span = name};

	if (group)
		return group;
	if (!parse_args(p, name, args, &found)) {
		b->stage->has_bad_files = true;
		return NULL;
	}
	group = arena_alloc(p->arena, sizeof(*group));
	*group = found;
	*b->next_files = group;
	b->next_files = &group->next;
	map_set(&b->groups, arena_dup(p->arena, args), group);
	return group;
}

/* ---- the lines ---- */

/* \s of Go's regexp. */
static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

/* A run without blanks and quotes; a placeholder that was left alone is part of it. */
static size_t run_length(struct str s)
{
	struct scan_placeholder left;
	size_t n = 0;

	while (n < s.len && !is_space(s.data[n]) && s.data[n] != '"' && s.data[n] != '\'')
		n += s.data[n] == '{' &&
				     scan_placeholder_at(str_slice(s, n, s.len), &left)
			     ? left.all.len
			     : 1;
	return n;
}

/* The next word of a line, as Apptainer's expression finds it: a run without blanks and
 * quotes, what is between two double quotes, or a single quote and everything up to the
 * next one.  A double quote without a second one is skipped, and its place is
 * returned. */
static bool next_word(struct str *rest, struct str *word, struct str *unbalanced)
{
	struct str s = *rest;
	size_t end;

	for (;; s = str_slice(s, 1, s.len)) {
		if (s.len == 0)
			return false;
		if (is_space(s.data[0]))
			continue;
		if (s.data[0] != '"')
			break;
		end = str_find(str_slice(s, 1, s.len), '"') + 1;
		if (end < s.len) {
			*word = str_slice(s, 1, end);
			*rest = str_slice(s, end + 1, s.len);
			return true;
		}
		*unbalanced = str_slice(s, 0, 1);
	}
	end = s.data[0] == '\'' ? str_find(str_slice(s, 1, s.len), '\'') + 1
				: run_length(s);
	*word = scan_trim(str_slice(s, 0, end));
	*rest = str_slice(s, end, s.len);
	return true;
}

struct files_line {
	struct str source, target, third;
	struct str unbalanced; /* of a quote; empty without one */
	bool has_target;
};

static void warn_about(const struct parser *p, const struct files_line *l)
{
	static const char use_quotes[] = "use double quotes for names with blanks";
	struct diag *d;

	if (l->unbalanced.len > 0)
		diag_hint(diag_add(p->diags, DIAG_UNBALANCED_QUOTE,
				   parse_span(p, l->unbalanced),
				   "this quote is not closed, and is ignored"),
			  "%s", use_quotes);
	if (str_starts_with(l->target, "#")) {
		d = diag_add(p->diags, DIAG_COMMENT_AS_TARGET, parse_span(p, l->target),
			     "%%files does not support comments at the end of a line: "
			     "this is the destination");
		diag_hint(d, "put the comment on a line of its own");
		return;
	}
	if (l->source.len > 0 && l->source.data[0] == '\'')
		diag_hint(diag_add(p->diags, DIAG_SINGLE_QUOTES, parse_span(p, l->source),
				   "single quotes are part of the name here"),
			  "%s", use_quotes);
	/* In effect a comment, though %files has none. */
	if (l->third.len > 0 && l->third.data[0] != '#')
		diag_hint(diag_add(p->diags, DIAG_EXTRA_WORD, parse_span(p, l->third),
				   "a line of %%files has at most two words: this one is "
				   "ignored"),
			  "%s", use_quotes);
}

static struct def_copy *new_copy(const struct parser *p, const struct files_line *l)
{
	struct def_copy *copy = arena_alloc(p->arena, sizeof(*copy));

	copy->source = arena_dup(p->arena, l->source);
	copy->source_span = parse_span(p, l->source);
	copy->target = "";
	copy->target_span = copy->source_span;
	if (l->has_target && l->target.len > 0) {
		copy->target = arena_dup(p->arena, l->target);
		copy->target_span = parse_span(p, l->target);
	}
	return copy;
}

/* NULL when the line copies nothing. */
static struct def_copy *parse_copy(const struct parser *p, struct str line)
{
	struct files_line l = {.has_target = false};
	struct str rest = line;

	if (!next_word(&rest, &l.source, &l.unbalanced)) {
		diag_hint(diag_add(p->diags, DIAG_MALFORMED_FILES, parse_span(p, line),
				   "this line of %%files does not name a file"),
			  "write 'SOURCE [DESTINATION]'");
		return NULL;
	}
	l.has_target = next_word(&rest, &l.target, &l.unbalanced);
	if (l.has_target)
		next_word(&rest, &l.third, &l.unbalanced);
	if (l.source.len == 0) {
		diag_hint(diag_add(p->diags, DIAG_EMPTY_SOURCE, parse_span(p, line),
				   "the source is empty: nothing is copied"),
			  "name a file");
		return NULL;
	}
	warn_about(p, &l);
	return new_copy(p, &l);
}

static void append(struct def_copies *list, struct def_copy *copy)
{
	if (list->last)
		list->last->next = copy;
	else
		list->first = copy;
	list->last = copy;
	list->n++;
}

void parse_files(struct stage_builder *b, struct span name, struct str args,
		 struct str body)
{
	struct def_files *group = group_of(b, name, args);
	struct str line;

	while (def_entry(&body, &line)) {
		struct def_copy *copy = parse_copy(b->parser, line);

		if (!group)
			continue;
		group->has_lines = true;
		if (copy)
			append(&group->copies, copy);
	}
}

/* ---- %appfiles ---- */

/* Up to the first `#`, split at the first space: no quotes, no patterns.  Apptainer takes
 * further spaces for a part of the destination's name; here they only separate. */
void parse_app_files(const struct parser *p, struct def_app *app, struct str body)
{
	struct str line;

	while (def_entry(&body, &line)) {
		struct files_line l = {.has_target = true};

		line = scan_trim(str_slice(line, 0, str_find(line, '#')));
		str_cut(line, ' ', &l.source, &l.target);
		l.target = scan_trim(l.target);
		if (l.source.len > 0)
			append(&app->files, new_copy(p, &l));
	}
}
