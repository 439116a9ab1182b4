/* SPDX-License-Identifier: MIT
 * parse.c - text to AST: see parse.h.
 *
 * The grammar is Apptainer's, which is a matter of lines:
 *
 *	- a stage begins at every line that starts with "Bootstrap:" in column 1, whatever
 *	  stands around it;
 *	- within a stage the header goes to the first section line, and a section to the
 *	  next;
 *	- a section line is one whose first word starts with `%`.
 */
#include "frontend/def/parse.h"

#include <string.h>

#include "frontend/def/parse_private.h"
#include "frontend/def/words.h"

bool parse_line_at(const struct parser *p, size_t offset, size_t end, struct line *out)
{
	struct str rest;

	if (offset >= end)
		return false;
	out->start = offset;
	str_cut(str_slice(p->text, offset, end), '\n', &out->text, &rest);
	out->next = offset + out->text.len + 1;
	if (str_ends_with(out->text, "\r"))
		out->text.len--;
	return true;
}

struct span parse_span(const struct parser *p, struct str slice)
{
	size_t start = (size_t)(slice.data - p->text.data);

	return (struct span){start, start + slice.len};
}

/* ---- sections ---- */

/* What a stage's sections have given so far. */
struct stage_parts {
	struct buf bodies[DEF_KINDS];
	struct files_groups files;
	VEC(struct def_app) apps;
};

struct section_line {
	struct span span; /* "%post" */
	struct str name;  /* without `%` */
	struct str args;
	bool has_args; /* a space follows the name */
};

static bool is_section_line(struct str line)
{
	line = str_trim_left(line);
	return line.len > 0 && line.data[0] == '%';
}

/* Name and arguments come from the line as it is: all leading `%` go, the first space
 * ends the name. */
static struct section_line split_section_line(const struct parser *p, struct str line)
{
	struct section_line s;
	struct str head;
	size_t percents = 0;

	s.has_args = str_cut(line, ' ', &head, &s.args);
	while (percents < head.len && head.data[percents] == '%')
		percents++;
	s.name = str_slice(head, percents, head.len);
	s.span = parse_span(p, head);
	return s;
}

static void unknown_section(const struct parser *p, struct str line,
			    const struct section_line *s)
{
	struct str shown = str_trim(line);
	CLEANUP(freep) char *name = str_dup(s->name);
	const char *near;
	struct diag *d;

	if (char_is_blank(line.data[0])) {
		d = diag_add(p->diags, DIAG_ERROR, "indented-section",
			     parse_span(p, shown),
			     "a line that starts with '%%' begins a section, which must "
			     "stand in "
			     "column 1");
		diag_hint(
			p->diags, d,
			"remove the blanks before it; a script cannot have such a line");
		return;
	}
	if (str_find(s->name, '\t') < s->name.len) {
		d = diag_add(p->diags, DIAG_ERROR, "unknown-section", s->span,
			     "a tab follows the section's name");
		diag_hint(p->diags, d, "use a space");
		return;
	}
	for (char *c = name; *c; c++)
		*c = char_lower(*c);
	d = diag_add(p->diags, DIAG_ERROR, "unknown-section", s->span,
		     "unknown section '%%%.*s'", STR_ARG(s->name));
	near = words_nearest(words_sections, str_of(name));
	if (!near)
		near = words_nearest(words_app_sections, str_of(name));
	if (near)
		diag_hint(p->diags, d, "did you mean '%%%s'?", near);
	else
		diag_hint(p->diags, d,
			  "a script cannot have a line that starts with '%%'");
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

static void add_app(const struct parser *p, const struct section_line *s,
		    struct stage_parts *parts)
{
	struct str app, rest;
	struct def_app added = {.span = s->span};

	str_cut(s->args, ' ', &app, &rest);
	if (app.len == 0 || str_find(app, '/') < app.len || str_is(app, "..")) {
		struct diag *d = diag_add(p->diags, DIAG_ERROR, "app-name", s->span,
					  "an app section needs the app's name");

		diag_hint(p->diags, d, "write '%%%.*s NAME', with one space",
			  STR_ARG(s->name));
		return;
	}
	for (size_t i = 0; i < parts->apps.len; i++)
		if (str_is(app, parts->apps.items[i].name))
			return;
	added.name = arena_dup(p->arena, app);
	vec_push(&parts->apps, added);
}

/* Append the lines from `start` to `end`, each ended by LF. */
static void take_body(const struct parser *p, size_t start, size_t end, struct buf *out)
{
	struct line line;

	for (; parse_line_at(p, start, end, &line); start = line.next) {
		buf_append(out, line.text.data, line.text.len);
		buf_putc(out, '\n');
	}
}

/* The section whose line is `line`, with its body up to `end`. */
static void parse_section(const struct parser *p, const struct line *line, size_t end,
			  struct def_stage *stage, struct stage_parts *parts)
{
	struct section_line s = split_section_line(p, line->text);
	struct def_section *section;
	enum def_kind kind;

	if (str_equal_nocase(s.name, STR("files"))) {
		parse_files(p, s.span, s.args, line->next, end, &parts->files);
		return;
	}
	if (words_contain(words_app_sections, s.name)) {
		add_app(p, &s, parts);
		return;
	}
	if (!kind_of(s.name, &kind)) {
		unknown_section(p, line->text, &s);
		return;
	}
	section = &stage->sections[kind];
	if (section->span.end == 0) {
		section->span = s.span;
		section->args = "";
	}
	/* Of a repeated section the last line with something after the name gives
	 * arguments. */
	if (s.has_args) {
		section->args = arena_dup(p->arena, s.args);
		section->args_span = parse_span(p, s.args);
	}
	take_body(p, line->next, end, &parts->bodies[kind]);
}

static void finish_sections(const struct parser *p, struct def_stage *stage,
			    struct stage_parts *parts)
{
	for (size_t k = 0; k < DEF_KINDS; k++) {
		struct def_section *section = &stage->sections[k];
		struct buf *body = &parts->bodies[k];

		section->present = body->len > 0;
		section->body = arena_dup(p->arena, str_make(buf_text(body), body->len));
		if (!section->args)
			section->args = "";
		buf_release(body);
	}
	parse_files_finish(p, &parts->files, stage);
	stage->n_apps = parts->apps.len;
	stage->apps = arena_array(p->arena, parts->apps.len, sizeof(*stage->apps));
	if (parts->apps.len > 0)
		memcpy(stage->apps, parts->apps.items,
		       parts->apps.len * sizeof(*stage->apps));
	vec_free(&parts->apps);
}

static size_t find_section_line(const struct parser *p, size_t start, size_t end)
{
	struct line line;

	while (parse_line_at(p, start, end, &line)) {
		if (is_section_line(line.text))
			return start;
		start = line.next;
	}
	return end;
}

static void parse_stage(const struct parser *p, size_t start, size_t end,
			struct def_stage *stage)
{
	size_t at = find_section_line(p, start, end);
	struct stage_parts parts = {0};
	const struct def_header *name;
	struct line line;

	parse_header(p, start, at, stage);
	while (parse_line_at(p, at, end, &line)) {
		size_t next = find_section_line(p, line.next, end);

		parse_section(p, &line, next, stage, &parts);
		at = next;
	}
	finish_sections(p, stage, &parts);
	stage->span = (struct span){start, start + strlen("bootstrap")};
	name = def_header_find(stage, "stage");
	if (name) {
		stage->name = name->value;
		stage->name_span = name->value_span;
	}
}

/* ---- stages ---- */

/* Where the next stage begins, at or after `at`; the text's end if there is none. */
static size_t find_stage(const struct parser *p, size_t at)
{
	static const char word[] = "bootstrap:";
	struct line line;

	for (; parse_line_at(p, at, p->text.len, &line); at = line.next)
		if (str_equal_nocase(str_slice(line.text, 0, sizeof(word) - 1),
				     STR("bootstrap:")))
			return at;
	return p->text.len;
}

/* Comments and blank lines before the first stage belong to no stage; anything else is
 * lost. */
static void check_before_first(const struct parser *p, size_t end)
{
	struct line line;

	for (size_t at = 0; parse_line_at(p, at, end, &line); at = line.next) {
		struct str text = str_trim(line.text);
		struct diag *d;

		if (text.len == 0 || text.data[0] == '#')
			continue;
		d = diag_add(p->diags, DIAG_ERROR, "before-bootstrap",
			     parse_span(p, text),
			     "this stands before the first 'Bootstrap:' line, and so in "
			     "no stage");
		diag_hint(p->diags, d,
			  "move it below 'Bootstrap:', which must stand in column 1");
		return;
	}
}

/* `{{ name }}`: this version has no template arguments, and must not build something
 * else. */
static void check_templates(const struct parser *p)
{
	struct str rest = p->text, head, inside, tail;

	for (;;) {
		size_t open = str_find(rest, '{');
		struct diag *d;

		if (open + 1 >= rest.len)
			return;
		rest = str_slice(rest, open + 1, rest.len);
		if (rest.data[0] != '{')
			continue;
		if (!str_cut(str_slice(rest, 1, rest.len), '}', &inside, &tail))
			return;
		head = str_trim(inside);
		for (size_t i = 0; i < head.len; i++)
			if (!strchr("_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO"
				    "PQRSTUVWXYZ",
				    head.data[i]))
				head.len = 0;
		if (head.len == 0 || tail.len == 0 || tail.data[0] != '}')
			continue;
		d = diag_add(p->diags, DIAG_ERROR, "template-argument",
			     parse_span(p, head),
			     "template arguments are not supported by this version");
		diag_hint(p->diags, d, "write the value of '%.*s' here", STR_ARG(head));
	}
}

static bool check_text(const struct parser *p)
{
	struct span start = {0, 0};
	struct diag *d;

	if (str_starts_with(p->text, "\xef\xbb\xbf")) {
		d = diag_add(p->diags, DIAG_ERROR, "byte-order-mark", start,
			     "the file begins with a byte order mark");
		diag_hint(p->diags, d, "save it as UTF-8 without BOM");
		return false;
	}
	if (str_find(p->text, '\0') < p->text.len) {
		diag_add(p->diags, DIAG_ERROR, "not-text", start, "the file is no text");
		return false;
	}
	return true;
}

void def_parse(const struct source *source, struct arena *arena, struct diag_list *diags,
	       struct definition **out)
{
	struct parser p = {source, source_text(source), arena, diags};
	struct definition *def = arena_alloc(arena, sizeof(*def));
	size_t at, first;

	*out = NULL;
	if (!check_text(&p))
		return;
	first = find_stage(&p, 0);
	check_before_first(&p, first);
	if (first == p.text.len) {
		struct diag *d =
			diag_add(diags, DIAG_ERROR, "no-stage", (struct span){0, 0},
				 "the definition has no stage");

		diag_hint(diags, d,
			  "a stage begins with a line 'Bootstrap: AGENT' in column 1");
		return;
	}
	for (at = first; at < p.text.len; def->n_stages++)
		at = find_stage(&p, at + 1);
	def->source = source;
	def->stages = arena_array(arena, def->n_stages, sizeof(*def->stages));
	at = first;
	for (size_t i = 0; i < def->n_stages; i++) {
		size_t end = find_stage(&p, at + 1);

		parse_stage(&p, at, end, &def->stages[i]);
		at = end;
	}
	def->text = arena_dup(arena, str_slice(p.text, first, p.text.len));
	check_templates(&p);
	*out = def;
}
