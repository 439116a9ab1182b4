/* SPDX-License-Identifier: MIT
 * section.c - a stage: its sections, and what each becomes.
 *
 * A section goes from its line to the next one that begins with `%`, whatever is around
 * that: a here-document does not protect such a line, and nothing else can.
 */
#include <limits.h>
#include <string.h>

#include "frontend/def/parse_private.h"
#include "frontend/def/words.h"

/* Apptainer reads a section into a buffer of this size. */
static const size_t SECTION_MAX = 65535;

struct section_line {
	struct str name; /* without `%` */
	struct str head; /* with it */
	struct str args;
	bool has_args; /* a space follows the name */
};

/* Name and arguments come from the line as it is: all leading `%` are dropped, and the
 * first space ends the name. */
static struct section_line split_line(struct str line)
{
	struct section_line s;
	size_t percents = 0;

	s.has_args = str_cut(line, ' ', &s.head, &s.args);
	while (percents < s.head.len && s.head.data[percents] == '%')
		percents++;
	s.name = str_slice(s.head, percents, s.head.len);
	return s;
}

/* ---- mistakes ---- */

static const char *nearest_section(struct str name)
{
	CLEANUP(freep) char *lower = str_dup_lower(name);
	const char *near;

	near = words_nearest(words_sections, str_of(lower));
	return near ? near : words_nearest(words_app_sections, str_of(lower));
}

static void unknown_section(const struct parser *p, struct str line,
			    const struct section_line *s)
{
	const char *near;
	struct diag *d;

	if (p->is_said)
		return;
	if (scan_blank(line) > 0) {
		d = diag_add(p->diags, DIAG_INDENTED_SECTION,
			     parse_span(p, scan_trim(line)),
			     "a line that starts with '%%' begins a section, which must "
			     "be in column 1");
		diag_hint(d, "remove the blanks before it; a script cannot have such a "
			     "line");
		return;
	}
	if (str_find(s->name, '\t') < s->name.len) {
		d = diag_add(p->diags, DIAG_UNKNOWN_SECTION, parse_span(p, s->head),
			     "a tab follows the section's name");
		diag_hint(d, "use a space");
		return;
	}
	d = diag_add(p->diags, DIAG_UNKNOWN_SECTION, parse_span(p, s->head),
		     "unknown section '%%%.*s'", STR_ARG(s->name));
	near = nearest_section(s->name);
	if (near)
		diag_hint(d, "did you mean '%%%s'?", near);
	else
		diag_hint(d, "a script cannot have a line that starts with '%%'");
}

/* `all` is the section, or the header; the section line after it counts as well. */
static void check_length(const struct parser *p, struct str all, struct str rest)
{
	struct str head = all, next, shown;
	size_t len;

	scan_line(&rest, &next);
	len = all.len + next.len;
	if (len <= SECTION_MAX || p->is_draft || p->is_said)
		return;
	scan_line(&head, &shown);
	diag_hint(
		diag_add(p->diags, DIAG_LONG_SECTION, parse_span(p, shown),
			 "Apptainer refuses this: it has %zu bytes, and at most %zu are "
			 "allowed",
			 len, SECTION_MAX),
		"copy large contents with %%files");
}

/* ---- sections in general ---- */

static struct def_part *new_part(const struct parser *p, const struct section_line *s,
				 struct str body)
{
	struct def_part *part = arena_alloc(p->arena, sizeof(*part));

	part->text = body;
	part->span = parse_span(p, s->head);
	return part;
}

/* In a repeated section, the last line with something after the name gives the
 * arguments. */
static void add_part(const struct parser *p, struct def_section **section,
		     const struct section_line *s, struct str body)
{
	struct def_part *part = new_part(p, s, body);

	if (!*section) {
		*section = arena_alloc(p->arena, sizeof(**section));
		(*section)->span = part->span;
		(*section)->args = str_slice(s->args, 0, 0);
		(*section)->is_empty = true;
	}
	if ((*section)->last)
		(*section)->last->next = part;
	else
		(*section)->parts = part;
	(*section)->last = part;
	if (s->has_args)
		(*section)->args = s->args;
	if (body.len > 0)
		(*section)->is_empty = false;
}

static bool kind_of(struct str name, enum def_kind *out)
{
	for (unsigned k = 0; k < DEF_KINDS; k++) {
		if (str_equal_nocase(name, str_of(def_kind_name((enum def_kind)k)))) {
			*out = (enum def_kind)k;
			return true;
		}
	}
	return false;
}

/* ---- %arguments ---- */

static void add_argument(struct stage_builder *b, struct str line)
{
	const struct parser *p = b->parser;
	struct str name, value;
	struct def_argument *argument;
	bool is_pair = str_cut(line, '=', &name, &value);

	name = scan_trim(name);
	if (!is_pair || name.len == 0) {
		if (!p->is_draft)
			diag_hint(diag_add(p->diags, DIAG_MALFORMED_ARGUMENT,
					   parse_span(p, line),
					   "this line of %%arguments is ignored"),
				  "write 'NAME=VALUE'");
		return;
	}
	argument = arena_alloc(p->arena, sizeof(*argument));
	argument->name = arena_dup(p->arena, name);
	argument->value = arena_dup(p->arena, scan_trim(value));
	argument->span = parse_span(p, name);
	*b->next_argument = argument;
	b->next_argument = &argument->next;
}

/* ---- app sections ---- */

static bool app_kind_of(struct str name, enum def_app_kind *out)
{
	for (unsigned k = 0; k < DEF_APP_KINDS; k++) {
		if (str_is(name, def_app_kind_name((enum def_app_kind)k))) {
			*out = (enum def_app_kind)k;
			return true;
		}
	}
	return false;
}

static bool app_name_is_usable(struct str name)
{
	/* Each is a folder's name, too. */
	return name.len > 0 && name.len <= NAME_MAX && str_find(name, '/') == name.len &&
	       !str_is(name, ".") && !str_is(name, "..");
}

static struct def_app *find_app(struct stage_builder *b, const char *name,
				struct span span)
{
	struct def_app *app = map_get(&b->apps, name);

	if (app)
		return app;
	app = arena_alloc(b->parser->arena, sizeof(*app));
	app->name = name;
	app->span = span;
	*b->next_app = app;
	b->next_app = &app->next;
	map_set(&b->apps, name, app);
	return app;
}

static void add_app_section(struct stage_builder *b, enum def_app_kind kind,
			    const struct section_line *s, struct str body)
{
	const struct parser *p = b->parser;
	struct str name, rest;
	struct def_app *app;
	struct diag *d;

	str_cut(s->args, ' ', &name, &rest);
	if (!app_name_is_usable(name)) {
		d = diag_add(p->diags, DIAG_APP_NAME,
			     parse_span(p, name.len > 0 ? name : s->head),
			     name.len > 0 ? "this cannot be an app's name"
					  : "an app section needs the app's name");
		diag_hint(d, "write '%%%.*s NAME', with one space", STR_ARG(s->name));
		return;
	}
	app = find_app(b, arena_dup(p->arena, name), parse_span(p, name));
	add_part(p, &app->sections[kind], s, body);
	if (kind == DEF_APP_FILES)
		parse_app_files(p, app, body);
}

/* ---- a section, a stage ---- */

/* One section: its line, and the lines up to the next one. */
static void parse_section(struct stage_builder *b, struct str line, struct str body)
{
	const struct parser *p = b->parser;
	struct section_line s = split_line(line);
	enum def_app_kind app_kind = DEF_APP_KINDS;
	enum def_kind kind = DEF_KINDS;
	bool is_files = str_equal_nocase(s.name, STR("files"));
	bool is_app = app_kind_of(s.name, &app_kind);
	bool is_other = !is_files && !is_app && kind_of(s.name, &kind);
	struct str entry;

	if (!is_files && !is_app && !is_other) {
		unknown_section(p, line, &s);
		return;
	}
	if (is_other && kind == DEF_ARGUMENTS)
		for (struct str rest = body; def_entry(&rest, &entry);)
			add_argument(b, entry);
	if (p->is_draft)
		return;
	if (is_files)
		parse_files(b, parse_span(p, s.head), s.args, body);
	else if (is_app)
		add_app_section(b, app_kind, &s, body);
	else
		add_part(p, &b->stage->sections[kind], &s, body);
}

/* Take the lines up to the next section line off the front of `*rest`. */
static struct str take_body(struct str *rest)
{
	struct str all = *rest, before = *rest, line;

	while (scan_line(rest, &line)) {
		if (scan_is_section(line)) {
			*rest = before;
			break;
		}
		before = *rest;
	}
	return str_slice(all, 0, (size_t)(rest->data - all.data));
}

static void name_stage(const struct parser *p, struct str text, struct def_stage *stage)
{
	const struct def_header *name = def_header_find(stage, "stage");
	const struct def_header *agent = def_header_find(stage, "bootstrap");
	struct str line;

	stage->text = text;
	def_entry(&text, &line);
	stage->span = agent ? agent->key_span : parse_span(p, line);
	if (name) {
		stage->name = name->value;
		stage->name_span = name->value_span;
	}
}

void parse_stage(const struct parser *p, struct str text, struct def_stage *stage)
{
	struct stage_builder b = {.parser = p, .stage = stage};
	struct str rest = text, line, body;

	b.next_header = &stage->headers;
	b.next_files = &stage->files;
	b.next_app = &stage->apps;
	b.next_argument = &stage->arguments;
	body = take_body(&rest);
	check_length(p, body, rest);
	parse_header(&b, body);
	while (scan_line(&rest, &line)) {
		body = take_body(&rest);
		check_length(p, str_make(line.data, (size_t)(rest.data - line.data)),
			     rest);
		parse_section(&b, line, body);
	}
	if (!p->is_draft)
		name_stage(p, text, stage);
	map_release(&b.keys);
	map_release(&b.groups);
	map_release(&b.apps);
}
