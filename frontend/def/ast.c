/* SPDX-License-Identifier: MIT
 * ast.c - names and look-ups: see ast.h.
 */
#include "frontend/def/ast.h"

#include <string.h>

#include "frontend/def/scan.h"
#include "frontend/def/words.h"

const char *def_kind_name(enum def_kind kind)
{
	static const char *const names[] = {
		[DEF_PRE] = "pre",
		[DEF_SETUP] = "setup",
		[DEF_POST] = "post",
		[DEF_TEST] = "test",
		[DEF_ENVIRONMENT] = "environment",
		[DEF_RUNSCRIPT] = "runscript",
		[DEF_STARTSCRIPT] = "startscript",
		[DEF_HELP] = "help",
		[DEF_LABELS] = "labels",
		[DEF_ARGUMENTS] = "arguments",
	};
	TABLE_HAS_ALL(names, DEF_KINDS);

	assert(kind < DEF_KINDS);
	return names[kind];
}

const char *def_app_kind_name(enum def_app_kind kind)
{
	static const char *const names[] = {
		[DEF_APP_INSTALL] = "appinstall", [DEF_APP_FILES] = "appfiles",
		[DEF_APP_ENV] = "appenv",	  [DEF_APP_LABELS] = "applabels",
		[DEF_APP_HELP] = "apphelp",	  [DEF_APP_RUN] = "apprun",
		[DEF_APP_START] = "appstart",	  [DEF_APP_TEST] = "apptest",
	};
	TABLE_HAS_ALL(names, DEF_APP_KINDS);

	assert(kind < DEF_APP_KINDS);
	return names[kind];
}

const struct def_section *def_section(const struct def_stage *stage, enum def_kind kind)
{
	const struct def_section *section = stage->sections[kind];

	return section && !section->is_empty ? section : NULL;
}

const struct def_section *def_app_section(const struct def_app *app,
					  enum def_app_kind kind)
{
	const struct def_section *section = app->sections[kind];

	return section && !section->is_empty ? section : NULL;
}

/* The first line that is neither blank nor only joins others, trimmed of what a shell
 * takes for blanks: a no-break space is part of a command's name.  "" if there is
 * none. */
static struct str first_text(struct str rest, bool with_comments)
{
	struct str line;

	while (scan_line(&rest, &line)) {
		while (line.len > 0 && (line.data[0] == ' ' || line.data[0] == '\t'))
			line = str_slice(line, 1, line.len);
		if (line.len > 0 && !str_is(line, "\\") &&
		    (with_comments || line.data[0] != '#'))
			return line;
	}
	return STR("");
}

bool def_has_commands(const struct def_section *section)
{
	for (const struct def_part *p = section->parts; p; p = p->next)
		if (first_text(p->text, false).len > 0)
			return true;
	return false;
}

/* Does the script name its interpreter, which may be any program? */
static bool has_interpreter(const struct def_section *section)
{
	for (const struct def_part *p = section->parts; p; p = p->next)
		if (first_text(p->text, true).len > 0)
			return str_starts_with(first_text(p->text, true), "#!");
	return false;
}

const struct def_section *def_script(const struct def_stage *stage, enum def_kind kind)
{
	const struct def_section *section = def_section(stage, kind);
	struct str args = section ? section->args : STR(""), word;

	args = str_slice(args, 0, str_find(args, '#'));
	/* An argument may name what runs. */
	if (!section || def_has_commands(section) || scan_word(&args, &word) ||
	    (kind == DEF_TEST && has_interpreter(section)))
		return section;
	return NULL;
}

const struct def_header *def_header_find(const struct def_stage *stage, const char *key)
{
	const struct def_header *found = NULL;

	for (const struct def_header *h = stage->headers; h; h = h->next)
		if (strcmp(h->key, key) == 0)
			found = h;
	return found;
}

const char *def_header(const struct def_stage *stage, const char *key)
{
	const struct def_header *header = def_header_find(stage, key);

	return header ? header->value : NULL;
}

const char *def_image(const struct def_stage *stage, struct arena *arena)
{
	const char *from = def_header(stage, "from"),
		   *agent = def_header(stage, "bootstrap");
	const char *registry = def_header(stage, "registry");
	const char *namespace = def_header(stage, "namespace");

	if (!from || !agent || !words_contain(words_oci_agents, str_of(agent)))
		return from;
	if (namespace && namespace[0])
		from = arena_printf(arena, "%s/%s", namespace, from);
	if (registry && registry[0])
		from = arena_printf(arena, "%s/%s", registry, from);
	return from;
}

const char *def_stage_label(const struct definition *def, size_t index,
			    struct arena *arena)
{
	const char *name = def->stages[index].name;

	return name && name[0] ? arena_printf(arena, "stage '%s'", name)
			       : arena_printf(arena, "stage %zu", index + 1);
}

/* Without CR the lines are a slice as they are, except for the end of the last one. */
static size_t copy_lines(struct str text, char *out)
{
	char *at = out;
	struct str line;

	while (scan_line(&text, &line)) {
		memcpy(at, line.data, line.len);
		at += line.len;
		*at++ = '\n';
	}
	return (size_t)(at - out);
}

const char *def_body(const struct def_section *section, struct arena *arena)
{
	size_t room = 1, len = 0;
	char *out;

	if (!section)
		return "";
	for (const struct def_part *p = section->parts; p; p = p->next)
		room += p->text.len + 1;
	out = arena_text(arena, room);
	for (const struct def_part *p = section->parts; p; p = p->next)
		len += copy_lines(p->text, out + len);
	return out;
}

bool def_entry(struct str *rest, struct str *line)
{
	while (scan_line(rest, line)) {
		*line = scan_trim(*line);
		if (line->len > 0 && line->data[0] != '#')
			return true;
	}
	return false;
}
