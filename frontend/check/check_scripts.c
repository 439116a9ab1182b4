/* SPDX-License-Identifier: MIT
 * check_scripts.c - script sections: their arguments, and what is in them.
 */
#include <string.h>

#include "base/vec.h"
#include "frontend/check/check_private.h"
#include "frontend/check/shell_lint.h"
#include "frontend/def/words.h"

/* Where the first line of any length but blanks begins. */
static bool first_line(struct str text, struct str *line)
{
	while (scan_line(&text, line)) {
		*line = scan_trim(*line);
		if (line->len > 0)
			return true;
	}
	return false;
}

/* ---- arguments of %pre, %setup, %post ---- */

static bool is_shell(struct str path)
{
	static const char *const shells[] = {"sh",  "bash", "dash", "ash",
					     "ksh", "mksh", "zsh"};

	while (str_find(path, '/') < path.len)
		path = str_slice(path, str_find(path, '/') + 1, path.len);
	for (size_t i = 0; i < ARRAY_LEN(shells); i++)
		if (str_is(path, shells[i]))
			return true;
	return false;
}

/* What follows `-c`: a shell and its options. */
struct inner_shell {
	struct str all, shell;
	bool has_e;
};

static void read_inner_shell(struct str rest, struct inner_shell *s)
{
	struct str word;

	s->all = scan_trim(rest);
	scan_word(&rest, &s->shell);
	while (scan_word(&rest, &word))
		if (word.len > 1 && word.data[0] == '-' && word.data[1] != '-' &&
		    str_find(word, 'e') < word.len)
			s->has_e = true;
}

static bool sets_errexit(const struct def_section *section)
{
	for (const struct def_part *p = section->parts; p; p = p->next)
		if (p->text.len > 0)
			return shell_sets_errexit(p->text);
	return false;
}

static void check_inner_shell(struct check *c, const struct def_section *section,
			      struct str dash_c, const struct inner_shell *s)
{
	if (s->shell.len == 0)
		diag_hint(diag_add(c->diags, DIAG_MISSING_SHELL, check_span(c, dash_c),
				   "'-c' is followed by no shell"),
			  "write '-c /bin/bash -e', or nothing for /bin/sh");
	else if (is_shell(s->shell) && !s->has_e && !sets_errexit(section))
		diag_hint(diag_add(c->diags, DIAG_SHELL_WITHOUT_E, check_span(c, s->all),
				   "this shell has no -e: the script goes on after a "
				   "command that fails"),
			  "write '-c %.*s -e'", STR_ARG(s->all));
}

/* Words of the section line before `-c`; `*inner` is set when there is one. */
static void check_arguments(struct check *c, const struct def_section *section,
			    struct inner_shell *inner)
{
	struct str rest = str_slice(section->args, 0, str_find(section->args, '#')), word;

	while (scan_word(&rest, &word)) {
		if (str_is(word, "-c")) {
			read_inner_shell(rest, inner);
			check_inner_shell(c, section, word, inner);
			return;
		}
		if (word.data[0] == '-')
			continue;
		diag_hint(diag_add(c->diags, DIAG_POST_ARGUMENTS, check_span(c, word),
				   "/bin/sh runs '%.*s' instead of the script",
				   STR_ARG(word)),
			  "write '-c SHELL' to use another shell");
		return;
	}
}

/* ---- text ---- */

static void check_crlf(struct check *c, const struct def_part *part)
{
	const char *found = part->text.len > 0 && !c->is_crlf_said
				    ? memmem(part->text.data, part->text.len, "\r\n", 2)
				    : NULL;

	if (!found)
		return;
	c->is_crlf_said = true;
	diag_hint(diag_add(c->diags, DIAG_CRLF, check_span(c, str_make(found, 1)),
			   "lines of this script end in CR LF: here and in Apptainer the "
			   "CR is dropped, elsewhere it would not be"),
		  "save the file with LF alone");
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
					   "this begins no stage: it is part of the "
					   "section"),
				  "write it in column 1 if a stage begins here");
	}
}

static void check_empty(struct check *c, const struct def_section *section,
			bool has_comments)
{
	struct str line;

	for (const struct def_part *p = section->parts; p; p = p->next) {
		struct str rest = p->text;

		if (has_comments ? def_entry(&rest, &line) : first_line(rest, &line))
			return;
	}
	diag_hint(diag_add(c->diags, DIAG_EMPTY_SECTION, section->span,
			   "this section is empty"),
		  "remove it");
}

/* ---- shell ---- */

static void report(void *context, const struct shell_finding *f)
{
	struct check *c = context;
	enum diag_code code;
	struct diag *d;

	if (!diag_code_find(str_of(f->code), &code))
		return;
	d = diag_add(c->diags, code, check_span(c, f->at), "%s", f->message);
	if (f->note)
		diag_note(d, check_span(c, f->note_at), "%s", f->note);
	if (f->hint)
		diag_hint(d, "%s", f->hint);
}

struct texts {
	VEC(struct str) items;
};

/* Destinations of %files below /tmp: what a script may read there. */
static void find_targets(const struct def_stage *stage, struct texts *out)
{
	for (const struct def_files *f = stage->files; f; f = f->next)
		for (const struct def_copy *copy = f->copies; copy; copy = copy->next) {
			struct str path =
				str_of(copy->target[0] ? copy->target : copy->source);

			if (str_starts_with(path, "/tmp") ||
			    str_starts_with(path, "/var/tmp"))
				vec_push(&out->items, path);
		}
}

/* `targets` NULL: it sees the host's /tmp, or runs later. */
static void lint(struct check *c, const struct def_section *section, bool is_posix,
		 const struct texts *targets)
{
	struct texts earlier = {0};

	for (const struct def_part *p = section->parts; p; p = p->next) {
		struct shell_script script = {
			.text = p->text,
			.is_posix = is_posix,
			.has_host_tmp = targets == NULL,
			.targets = targets ? targets->items.items : NULL,
			.n_targets = targets ? targets->items.len : 0,
			.earlier = earlier.items.items,
			.n_earlier = earlier.items.len,
		};

		shell_lint(&script, report, c);
		vec_push(&earlier.items, p->text);
	}
	vec_free(&earlier.items);
}

static void check_text(struct check *c, const struct def_section *section)
{
	for (const struct def_part *p = section->parts; p; p = p->next) {
		check_crlf(c, p);
		check_bootstrap_lines(c, p);
	}
}

/* Images whose /bin/sh is bash, by words in their names. */
static bool sh_is_bash(const struct def_stage *stage)
{
	static const char *const agents[] = {"yum", "dnf", "zypper", "arch", NULL};
	static const char *const names[] = {
		"rocky", "alma",   "centos", "fedora",	  "rhel",	 "redhat",
		"ubi",	 "oracle", "suse",   "archlinux", "amazonlinux", "manylinux",
	};
	const char *agent = def_header(stage, "bootstrap");
	const char *from = def_header(stage, "from");

	if (agent && words_contain(agents, str_of(agent)))
		return true;
	for (size_t i = 0; from && i < ARRAY_LEN(names); i++)
		if (strcasestr(from, names[i]))
			return true;
	return false;
}

/* %pre, %setup and %post are run by /bin/sh whatever their first line says. */
static void check_build_script(struct check *c, const struct def_stage *stage,
			       enum def_kind kind)
{
	const struct def_section *section = stage->sections[kind];
	struct inner_shell inner = {.shell = STR("sh")};
	struct texts targets = {0};
	bool is_posix;

	if (!section)
		return;
	check_empty(c, section, true);
	check_text(c, section);
	check_arguments(c, section, &inner);
	is_posix =
		str_ends_with(inner.shell, "sh") && !str_ends_with(inner.shell, "bash") &&
		!str_ends_with(inner.shell, "zsh") && !str_ends_with(inner.shell, "ksh");
	if (kind == DEF_POST) {
		is_posix = is_posix && !sh_is_bash(stage);
		find_targets(stage, &targets);
	}
	if (is_shell(inner.shell))
		lint(c, section, is_posix, kind == DEF_POST ? &targets : NULL);
	vec_free(&targets.items);
}

/* %runscript, %startscript and %test have an interpreter line of their own. */
static void check_image_script(struct check *c, const struct def_stage *stage,
			       enum def_kind kind)
{
	const struct def_section *section = stage->sections[kind];
	struct str line = STR(""), top, first = STR("");
	bool has_interpreter;

	if (!section)
		return;
	check_empty(c, section, true);
	check_text(c, section);
	for (const struct def_part *p = section->parts; p; p = p->next)
		if (first_line(p->text, &line))
			break;
	has_interpreter = str_starts_with(line, "#!");
	top = section->parts ? section->parts->text : line;
	scan_line(&top, &first);
	if (has_interpreter && scan_trim(first).len == 0)
		diag_hint(diag_add(c->diags, DIAG_LATE_INTERPRETER, check_span(c, line),
				   "Apptainer takes the blank line above for the "
				   "interpreter's, and writes a script that cannot run"),
			  "move it to the section's first line");
	if (!has_interpreter || str_is(line, "#!/bin/sh"))
		lint(c, section, !sh_is_bash(stage), NULL);
}

/* ---- help ---- */

/* The next stage begins right below a line of text. */
static void check_help_end(struct check *c, const struct def_stage *stage)
{
	const struct def_section *help = def_section(stage, DEF_HELP);
	const struct def_stage *next = stage + 1;
	struct str text, last = STR(""), line;

	if (!help || next == c->def->stages + c->def->n_stages)
		return;
	text = help->last->text;
	if (text.data + text.len != next->text.data)
		return;
	while (scan_line(&text, &line))
		last = line;
	if (scan_trim(last).len > 0)
		diag_hint(diag_add(c->diags, DIAG_BOOTSTRAP_IN_HELP, next->span,
				   "a stage begins here, in the midst of %%help"),
			  "indent it if it is text, else leave a line free above");
}

void check_scripts(struct check *c, const struct def_stage *stage)
{
	static const enum def_kind build[] = {DEF_PRE, DEF_SETUP, DEF_POST};
	static const enum def_kind image[] = {DEF_RUNSCRIPT, DEF_STARTSCRIPT, DEF_TEST};
	static const struct {
		enum def_kind kind;
		bool has_comments;
	} others[] = {{DEF_ENVIRONMENT, true},
		      {DEF_LABELS, true},
		      {DEF_ARGUMENTS, true},
		      {DEF_HELP, false}};

	for (size_t i = 0; i < ARRAY_LEN(build); i++)
		check_build_script(c, stage, build[i]);
	for (size_t i = 0; i < ARRAY_LEN(image); i++)
		check_image_script(c, stage, image[i]);
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		const struct def_section *section = stage->sections[others[i].kind];

		if (!section)
			continue;
		check_empty(c, section, others[i].has_comments);
		for (const struct def_part *p = section->parts; p; p = p->next)
			check_bootstrap_lines(c, p);
	}
	check_help_end(c, stage);
}
