/* SPDX-License-Identifier: MIT
 * check_text.c - what can be wrong with the text of any section.
 */
#include <stdlib.h>
#include <string.h>

#include "frontend/check/check_private.h"

static void check_crlf(struct check *c, const struct def_part *part)
{
	const char *found = part->text.len > 0 && !c->is_crlf_said
				    ? memmem(part->text.data, part->text.len, "\r\n", 2)
				    : NULL;

	if (!found)
		return;
	c->is_crlf_said = true;
	diag_hint(diag_add(c->diags, DIAG_CRLF, check_span(c, str_make(found, 1)),
			   "lines of this script end in CR LF: dagbuild and Apptainer "
			   "drop the CR, other programs do not"),
		  "save the file with LF line endings");
}

static bool begins_header(struct str line)
{
	static const char word[] = "bootstrap";

	if (!str_equal_nocase(str_slice(line, 0, sizeof(word) - 1), STR("bootstrap")))
		return false;
	line = scan_trim_left(str_slice(line, sizeof(word) - 1, line.len));
	return line.len > 0 && line.data[0] == ':';
}

static void check_bootstrap_lines(struct check *c, const struct def_part *part)
{
	struct str rest = part->text, line;

	while (scan_line(&rest, &line)) {
		struct str text = scan_trim(line);

		if (begins_header(text) && text.data != line.data)
			diag_hint(diag_add(c->diags, DIAG_INDENTED_BOOTSTRAP,
					   check_span(c, text),
					   "this does not begin a stage: it is part of "
					   "the section"),
				  "write it in column 1 if a stage should begin here");
	}
}

/* A line of any length but blanks. */
static bool has_prose(struct str text)
{
	struct str line;

	while (scan_line(&text, &line))
		if (scan_trim(line).len > 0)
			return true;
	return false;
}

static bool has_text(const struct def_section *section, enum check_text what)
{
	struct str line;

	if (what == CHECK_SCRIPT)
		return def_has_commands(section);
	for (const struct def_part *p = section->parts; p; p = p->next) {
		struct str rest = p->text;

		if (what == CHECK_PROSE ? has_prose(rest) : def_entry(&rest, &line))
			return true;
	}
	return false;
}

void check_text(struct check *c, const struct def_section *section, enum check_text what,
		const char *effect)
{
	struct check_empty empty = {section->span, section->is_empty ? NULL : effect};

	if (!has_text(section, what))
		vec_push(&c->empty, empty);
	for (const struct def_part *p = section->parts; p; p = p->next) {
		if (what == CHECK_SCRIPT)
			check_crlf(c, p);
		check_bootstrap_lines(c, p);
	}
}

/* ---- sections without text ---- */

static int by_place(const void *a, const void *b)
{
	const struct check_empty *x = a, *y = b;

	return (x->span.start > y->span.start) - (x->span.start < y->span.start);
}

static void report_one(struct check *c, const struct check_empty *empty)
{
	struct diag *d = diag_add(c->diags, DIAG_EMPTY_SECTION, empty->span,
				  "this section is empty%s%s", empty->effect ? ": " : "",
				  empty->effect ? empty->effect : "");

	if (empty->effect)
		diag_hint(d, "write what it should do, or remove it to keep the base's");
	else
		diag_hint(d, "remove it");
}

static void add_name(const struct check *c, const struct check_empty *empty,
		     struct buf *names)
{
	struct str name = source_slice(c->def->source, empty->span);

	buf_printf(names, "%s%.*s", names->len > 0 ? ", " : "", STR_ARG(name));
}

static void report_several(struct check *c)
{
	static const size_t shown = 12;
	CLEANUP(buf_release) struct buf names = BUF_INIT, missed = BUF_INIT;
	struct diag *d;

	for (size_t i = 0; i < c->empty.len && i < shown; i++) {
		add_name(c, &c->empty.items[i], &names);
		if (c->empty.items[i].effect)
			add_name(c, &c->empty.items[i], &missed);
	}
	d = diag_add(c->diags, DIAG_EMPTY_SECTION, c->empty.items[0].span,
		     "%zu sections are empty: %s%s", c->empty.len, buf_text(&names),
		     c->empty.len > shown ? ", ..." : "");
	if (missed.len > 0)
		diag_hint(d, "remove them; without %s, what the base has stays",
			  buf_text(&missed));
	else
		diag_hint(d, "remove them");
}

void check_empty_report(struct check *c)
{
	if (c->empty.len > 0)
		qsort(c->empty.items, c->empty.len, sizeof(*c->empty.items), by_place);
	if (c->empty.len == 1)
		report_one(c, &c->empty.items[0]);
	else if (c->empty.len > 1)
		report_several(c);
	c->empty.len = 0;
}

bool check_ends_at_stage(const struct check *c, const struct def_stage *stage,
			 struct str text)
{
	const struct def_stage *next = stage + 1;

	return next < c->def->stages + c->def->n_stages &&
	       text.data + text.len == next->text.data;
}

/* The next stage begins right below a line of text. */
void check_help_end(struct check *c, const struct def_stage *stage)
{
	const struct def_section *help = def_section(stage, DEF_HELP);
	struct str text = help ? help->last->text : STR(""), last = STR(""), line;

	if (!help || !check_ends_at_stage(c, stage, text))
		return;
	while (scan_line(&text, &line))
		last = line;
	if (scan_trim(last).len > 0)
		diag_hint(
			diag_add(c->diags, DIAG_BOOTSTRAP_IN_HELP, stage[1].span,
				 "a stage begins here, in the middle of %%help"),
			"indent it if it is text; otherwise put an empty line above it");
}
