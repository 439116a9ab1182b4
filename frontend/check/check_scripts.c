/* SPDX-License-Identifier: MIT
 * check_scripts.c - script sections: what runs them, also by their own first line.
 */
#include <string.h>

#include "frontend/check/check_private.h"
#include "frontend/check/script_lint.h"

/* ---- arguments of %pre, %setup, %post ---- */

/* What follows `-c`: a shell and its options. */
struct inner_shell {
	struct str all, path;
	bool is_shell; /* not python3, for example */
	enum shell_kind kind;
	bool has_e;
};

static void name_shell(struct inner_shell *s)
{
	static const struct {
		const char *name;
		enum shell_kind kind;
	} shells[] = {{"sh", SHELL_IS_SH},     {"dash", SHELL_IS_DASH},
		      {"ash", SHELL_IS_ASH},   {"bash", SHELL_IS_OTHER},
		      {"ksh", SHELL_IS_OTHER}, {"mksh", SHELL_IS_OTHER},
		      {"zsh", SHELL_IS_OTHER}};
	struct str name = s->path;

	while (str_find(name, '/') < name.len)
		name = str_slice(name, str_find(name, '/') + 1, name.len);
	for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
		if (!str_is(name, shells[i].name))
			continue;
		s->is_shell = true;
		s->kind = shells[i].kind;
	}
}

static void read_inner_shell(struct str rest, struct inner_shell *s)
{
	struct str word, before = STR("");

	*s = (struct inner_shell){.all = scan_trim(rest)};
	scan_word(&rest, &s->path);
	name_shell(s);
	while (scan_word(&rest, &word)) {
		s->has_e = s->has_e || shell_option_is_errexit(word, before);
		before = word;
	}
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
	if (s->path.len == 0)
		diag_hint(diag_add(c->diags, DIAG_MISSING_SHELL, check_span(c, dash_c),
				   "'-c' is not followed by a shell"),
			  "write '-c /bin/bash -e', or nothing for /bin/sh");
	else if (s->is_shell && !s->has_e && !sets_errexit(section))
		diag_hint(diag_add(c->diags, DIAG_SHELL_WITHOUT_E, check_span(c, s->all),
				   "this shell has no -e: the script continues after a "
				   "command that fails"),
			  "write '-c %.*s -e'", STR_ARG(s->all));
}

/* Words of the section line: options of /bin/sh, then `-c`, whose shell becomes
 * `*inner`. */
static void check_arguments(struct check *c, const struct def_section *section,
			    struct inner_shell *inner)
{
	struct str rest = str_slice(section->args, 0, str_find(section->args, '#'));
	struct str word, before = STR("");

	for (; scan_word(&rest, &word); before = word) {
		if (str_is(word, "-c")) {
			read_inner_shell(rest, inner);
			check_inner_shell(c, section, word, inner);
			return;
		}
		/* An option, or the value of one like `-o`. */
		if (strchr("-+", word.data[0]) ||
		    (before.len > 0 && str_ends_with(before, "o")))
			continue;
		diag_hint(diag_add(c->diags, DIAG_POST_ARGUMENTS, check_span(c, word),
				   "/bin/sh runs '%.*s' instead of the script",
				   STR_ARG(word)),
			  "write '-c SHELL' to use another shell");
		return;
	}
}

/* /bin/sh runs %pre, %setup and %post, whatever their first line says. */
static void check_build_script(struct check *c, const struct def_stage *stage,
			       enum def_kind kind)
{
	const struct def_section *section = stage->sections[kind];
	struct inner_shell inner = {.is_shell = true, .kind = SHELL_IS_SH};

	if (!section)
		return;
	check_text(c, section, CHECK_SCRIPT, NULL);
	check_arguments(c, section, &inner);
	if (inner.is_shell)
		check_shell(c, stage, section,
			    kind == DEF_POST ? CHECK_IN_POST : CHECK_ON_HOST, inner.kind);
}

/* ---- scripts that stay in the image ---- */

/* An interpreter line near the top, and what is above it. */
struct interpreter {
	struct str line; /* empty: none */
	bool is_first, is_below_comment;
};

static struct interpreter find_interpreter(const struct def_section *section)
{
	struct interpreter found = {.is_first = true};

	for (const struct def_part *p = section->parts; p; p = p->next) {
		struct str rest = p->text, line;

		for (; scan_line(&rest, &line); found.is_first = false) {
			line = scan_trim(line);
			if (str_starts_with(line, "#!")) {
				found.line = line;
				return found;
			}
			if (line.len > 0 && line.data[0] != '#')
				return found;
			found.is_below_comment |= line.len > 0;
		}
	}
	return found;
}

/* The kernel passes everything after the program on a `#!` line as one word, and then the
 * script's path (execve(2)). So a shell reads several options as one, `-c` takes the path
 * for a command, and the shell takes a word that is not an option for the script. */
static const char *why_not_run(const struct inner_shell *shell, struct str word,
			       bool is_one)
{
	if (!is_one)
		return "it gets all of this as one word";
	if (!shell->is_shell)
		return NULL;
	if (!strchr("-+", word.data[0]))
		return "it runs this as the script";
	if (str_find(word, 'c') < word.len)
		return "'-c' treats the script's path as a command";
	return str_ends_with(word, "o")
		       ? "'-o' treats the script's path as an option's name"
		       : NULL;
}

/* `line` is the script's own `#!` line, or empty; the section's arguments come after
 * it. */
static void check_interpreter_arguments(struct check *c,
					const struct def_section *section,
					enum def_kind kind, struct str line)
{
	struct str args =
		scan_trim(str_slice(section->args, 0, str_find(section->args, '#')));
	struct str own = line.len > 0 ? str_slice(line, 2, line.len) : STR("/bin/sh");
	struct inner_shell shell = {.has_e = false};
	struct str words, rest, word;
	const char *why, *hint = "write '#!/usr/bin/env -S PROGRAM OPTIONS'";
	bool has_both;

	scan_word(&own, &shell.path);
	name_shell(&shell);
	own = scan_trim(own);
	words = rest = own.len > 0 ? own : args;
	has_both = own.len > 0 && args.len > 0;
	if (!scan_word(&rest, &word) || str_starts_with(word, "-S"))
		return;
	why = why_not_run(&shell, word, !has_both && scan_trim(rest).len == 0);
	if (!why)
		return;
	if (shell.is_shell)
		hint = str_is(word, "-c") ? "write '#!SHELL' on the section's first line"
					  : "write 'set OPTIONS' on a line of the script";
	diag_hint(diag_add_in(c->diags, c->def->source, DIAG_INTERPRETER_ARGUMENTS,
			      kind == DEF_TEST ? DIAG_ERROR : DIAG_WARNING,
			      check_span(c, has_both ? args : words),
			      "'%.*s' cannot run the script, here or in Apptainer: %s",
			      STR_ARG(shell.path), why),
		  "%s", hint);
}

/* The effect of a section that has lines, but no text: it replaces the base image's. */
static const char *effect_of_empty(enum def_kind kind)
{
	static const char *const effects[DEF_KINDS] = {
		[DEF_RUNSCRIPT] = "the image runs nothing, even if the base does",
		[DEF_STARTSCRIPT] = "the image starts nothing, even if the base does",
		[DEF_TEST] = "the image has no test, even if the base has one",
	};

	return effects[kind];
}

/* %runscript, %startscript and %test have an interpreter line of their own. */
static void check_image_script(struct check *c, const struct def_stage *stage,
			       enum def_kind kind)
{
	const struct def_section *section = stage->sections[kind];
	struct interpreter found;

	if (!section)
		return;
	check_text(c, section, CHECK_SCRIPT, effect_of_empty(kind));
	found = find_interpreter(section);
	check_interpreter_arguments(c, section, kind,
				    found.is_below_comment ? STR("") : found.line);
	if (found.line.len > 0 && !found.is_first)
		diag_hint(diag_add(c->diags, DIAG_LATE_INTERPRETER,
				   check_span(c, found.line),
				   found.is_below_comment
					   ? "/bin/sh runs this script: below a comment, "
					     "this line is a comment, too"
					   : "Apptainer takes the blank line above as "
					     "the interpreter line, and writes a script "
					     "that cannot run"),
			  "move it to the section's first line");
	if (found.line.len == 0 || found.is_below_comment ||
	    str_is(found.line, "#!/bin/sh"))
		check_shell(c, stage, section, CHECK_IN_IMAGE, SHELL_IS_SH);
}

/* ---- apps ---- */

static void check_app_script(struct check *c, const struct def_stage *stage,
			     const struct def_section *section, bool is_install)
{
	struct interpreter found;

	if (!section)
		return;
	check_text(c, section, CHECK_SCRIPT, NULL);
	found = find_interpreter(section);
	if (found.line.len > 0 && !str_is(found.line, "#!/bin/sh"))
		diag_hint(diag_add(c->diags, DIAG_LATE_INTERPRETER,
				   check_span(c, found.line),
				   "/bin/sh runs this script: in an app's section this "
				   "line has no effect"),
			  "call the interpreter from the script");
	check_shell(c, stage, section, is_install ? CHECK_IN_POST : CHECK_IN_IMAGE,
		    SHELL_IS_SH);
}

static void check_app(struct check *c, const struct def_stage *stage,
		      const struct def_app *app)
{
	static const struct {
		enum def_app_kind kind;
		enum check_text what;
	} others[] = {{DEF_APP_FILES, CHECK_ENTRIES},
		      {DEF_APP_ENV, CHECK_ENTRIES},
		      {DEF_APP_LABELS, CHECK_ENTRIES},
		      {DEF_APP_HELP, CHECK_PROSE}};
	static const enum def_app_kind scripts[] = {DEF_APP_INSTALL, DEF_APP_RUN,
						    DEF_APP_START, DEF_APP_TEST};

	for (size_t i = 0; i < ARRAY_LEN(scripts); i++)
		check_app_script(c, stage, app->sections[scripts[i]],
				 scripts[i] == DEF_APP_INSTALL);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (app->sections[others[i].kind])
			check_text(c, app->sections[others[i].kind], others[i].what,
				   NULL);
}

/* ---- a stage ---- */

void check_scripts(struct check *c, const struct def_stage *stage)
{
	static const enum def_kind build[] = {DEF_PRE, DEF_SETUP, DEF_POST};
	static const enum def_kind image[] = {DEF_RUNSCRIPT, DEF_STARTSCRIPT, DEF_TEST};
	static const struct {
		enum def_kind kind;
		enum check_text what;
	} others[] = {{DEF_ENVIRONMENT, CHECK_ENTRIES},
		      {DEF_LABELS, CHECK_ENTRIES},
		      {DEF_ARGUMENTS, CHECK_ENTRIES},
		      {DEF_HELP, CHECK_PROSE}};

	for (size_t i = 0; i < ARRAY_LEN(build); i++)
		check_build_script(c, stage, build[i]);
	for (size_t i = 0; i < ARRAY_LEN(image); i++)
		check_image_script(c, stage, image[i]);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (stage->sections[others[i].kind])
			check_text(c, stage->sections[others[i].kind], others[i].what,
				   effect_of_empty(others[i].kind));
	for (const struct def_app *app = stage->apps; app; app = app->next)
		check_app(c, stage, app);
	check_help_end(c, stage);
}
