/* SPDX-License-Identifier: MIT
 * script_tmp.c - files below /tmp and /var/tmp that are read, though nothing put them
 * there.
 *
 * Apptainer shows the host's /tmp to %post; dagbuild does not. A path counts as unknown
 * when a command reads it where it is first mentioned: itself, a folder above it or a
 * file below it. Any other mention (a redirection, "-o PATH", a word of an awk script)
 * might have made it. A path that is not literal might be any file of its folder; after
 * a mention of /tmp itself anything might be there.
 */
#include "frontend/check/script_rules.h"

#include <string.h>

#include "base/buf.h"

/* Commands that put nothing into a folder that they name. */
static const char *const harmless[] = {"rm",	"rmdir", "mkdir", "chmod", "chown",
				       "chgrp", "ls",	 "test",  "[",	   NULL};

static bool is_in(const char *const *words, struct str word)
{
	while (*words && !str_is(word, *words))
		words++;
	return *words != NULL;
}

/* ---- paths ---- */

static bool char_is_of_path(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c != '\0' && strchr("/._+@%~-", c));
}

/* Take the next name off the front; false if there is none.  "." does not count. */
static bool next_name(struct str *rest, struct str *name)
{
	do {
		while (str_starts_with(*rest, "/"))
			*rest = str_slice(*rest, 1, rest->len);
		*name = str_slice(*rest, 0, str_find(*rest, '/'));
		*rest = str_slice(*rest, name->len, rest->len);
	} while (str_is(*name, "."));
	return name->len > 0;
}

/* Is one the other, or a folder above it? */
static bool are_related(const struct script_path *a, const struct script_path *b)
{
	struct str rest_a = a->text, rest_b = b->text, name_a, name_b;

	if (a->is_var != b->is_var)
		return false;
	while (next_name(&rest_a, &name_a) && next_name(&rest_b, &name_b))
		if (!str_equal(name_a, name_b))
			return false;
	return true;
}

/* Does `path` lie in `folder`, or is it that? */
static bool is_within(const struct script_path *path, const struct script_path *folder)
{
	struct str rest = path->text, rest_folder = folder->text, name, name_folder;

	if (path->is_var != folder->is_var)
		return false;
	while (next_name(&rest_folder, &name_folder))
		if (!next_name(&rest, &name) || !str_equal(name, name_folder))
			return false;
	return true;
}

/* An absolute path of /tmp or /var/tmp. */
static bool path_parse(struct str s, struct script_path *path)
{
	size_t skip;

	path->is_var = str_starts_with(s, "/var/tmp");
	if (!path->is_var && !str_starts_with(s, "/tmp"))
		return false;
	skip = strlen(path->is_var ? "/var/tmp" : "/tmp");
	path->text = str_slice(s, skip, s.len);
	return path->text.len == 0 || path->text.data[0] == '/';
}

static struct str without_quotes(struct str s)
{
	char first = (char)(s.len > 1 ? s.data[0] : 0);

	if ((first == '"' || first == '\'') && s.data[s.len - 1] == first)
		return str_slice(s, 1, s.len - 1);
	return s;
}

/* A word that names one file below /tmp, whatever happened before. */
static bool path_of_word(struct str word, struct script_path *path)
{
	struct str s = without_quotes(word), rest, name;

	if (!path_parse(s, path))
		return false;
	path->at = word;
	for (size_t i = 0; i < s.len; i++)
		if (!char_is_of_path(s.data[i]))
			return false;
	rest = path->text;
	if (!next_name(&rest, &name))
		return false;
	do {
		if (str_is(name, ".."))
			return false;
	} while (next_name(&rest, &name));
	return true;
}

/* ---- mentions ---- */

static bool is_known(const struct script_tmp *t, const struct script_path *path)
{
	struct script_path target;

	if (t->is_anything)
		return true;
	for (size_t i = 0; i < t->n_mentioned; i++)
		if (are_related(&t->mentioned[i], path))
			return true;
	for (size_t i = 0; i < t->script->n_targets; i++)
		if (path_parse(t->script->targets[i], &target) &&
		    is_within(path, &target))
			return true;
	return false;
}

static void mention(struct script_tmp *t, const struct script_path *path,
		    struct str command)
{
	struct str rest = path->text, name;

	for (size_t i = 0; i < t->n_mentioned; i++)
		if (is_within(path, &t->mentioned[i]))
			return;
	if (!next_name(&rest, &name)) {
		if (!is_in(harmless, command))
			t->is_anything = true;
	} else if (t->n_mentioned == SCRIPT_MAX_PATHS) {
		t->is_anything = true;
	} else {
		t->mentioned[t->n_mentioned++] = *path;
	}
}

/* Does a path end at `at`, rather than go on with an expansion or a glob? */
static bool ends_literally(struct str s, size_t at)
{
	if (at < s.len && (s.data[at] == '"' || s.data[at] == '\''))
		at++;
	return at >= s.len || char_is_blank(s.data[at]) ||
	       strchr(";&|<>():,=]\"'", s.data[at]) != NULL;
}

/* Note the path in `s` from offset `at`, which is right after "tmp".  Returns its end. */
static size_t mention_at(struct script_tmp *t, struct str s, size_t at,
			 struct str command)
{
	struct script_path path = {.at = str_slice(s, at, at)};
	size_t end = at;

	path.is_var = str_ends_with(str_slice(s, 0, at), "var/tmp");
	while (end < s.len && char_is_of_path(s.data[end]))
		end++;
	path.text = str_slice(s, at, end);
	/* Otherwise it might be any file of the last folder that is literal. */
	if (!ends_literally(s, end))
		while (path.text.len > 0 && path.text.data[path.text.len - 1] != '/')
			path.text.len--;
	mention(t, &path, command);
	return end;
}

/* "/tmp", or "tmp/" since scripts begin in "/". */
static bool is_tmp(struct str s, size_t i)
{
	bool has_slash = i > 0 && s.data[i - 1] == '/';
	bool ends = i + 3 == s.len || !char_is_of_path(s.data[i + 3]);
	bool has_name = i > 0 && !has_slash && char_is_of_path(s.data[i - 1]);

	if (i + 3 < s.len && s.data[i + 3] == '/')
		return !has_name;
	return has_slash && ends;
}

static void mention_all(struct script_tmp *t, struct str s, struct str command)
{
	size_t i = 0;

	while (i + 3 <= s.len && !t->is_anything) {
		if (memcmp(s.data + i, "tmp", 3) == 0 && is_tmp(s, i))
			i = mention_at(t, s, i + 3, command);
		else
			i++;
	}
}

/* ---- reading ---- */

static void add_read(struct script_tmp_level *level, const struct script_path *path)
{
	if (level->n_reads < SCRIPT_MAX_READS)
		level->reads[level->n_reads++] = *path;
}

static void check_argument(struct script_tmp *t, struct script_tmp_level *level,
			   const struct shell_command *command, struct str word)
{
	enum shell_reads reads = shell_reads_word(&level->reading, command, word);
	bool is_new = false;
	struct script_path path;

	if (reads != SHELL_READS_NOT)
		is_new = path_of_word(word, &path) && !is_known(t, &path);
	if (is_new && reads == SHELL_READS)
		add_read(level, &path);
	if (reads != SHELL_READS_UNLESS_LAST)
		return;
	if (level->last.at.len > 0)
		add_read(level, &level->last);
	level->last = is_new ? path : (struct script_path){0};
}

/* A file that is run, or read through "<". */
static void check_file(struct script_tmp *t, struct script_tmp_level *level,
		       struct str word)
{
	struct script_path path;

	if (path_of_word(word, &path) && !is_known(t, &path))
		add_read(level, &path);
}

/* ---- tokens ---- */

static void check_reserved(struct script_tmp *t, struct script_tmp_level *level,
			   const struct shell_token *token)
{
	static const char *const begins[] = {"if", "elif", "while", "until", NULL};
	static const char *const ends[] = {"then", "do", NULL};
	bool is_here = t->in_function && token->level == t->function_level;

	if (is_in(begins, token->text))
		level->is_condition = true;
	else if (is_in(ends, token->text))
		level->is_condition = false;
	else if (str_is(token->text, "!"))
		level->is_tolerant = true;
	else if (is_here && str_is(token->text, "{"))
		t->n_braces++;
	else if (is_here && str_is(token->text, "}") && t->n_braces > 0)
		t->in_function = --t->n_braces > 0;
}

static void check_target(struct script_tmp *t, struct script_tmp_level *level,
			 struct str word)
{
	struct str redirect = level->redirect;

	if (str_is(redirect, "<") || str_is(redirect, "0<"))
		check_file(t, level, word);
	if (str_is(word, "/dev/null") &&
	    (str_starts_with(redirect, "2") || str_starts_with(redirect, "&")))
		level->is_tolerant = true;
}

static void check_word(struct script_tmp *t, const struct shell_command *command,
		       const struct shell_token *token)
{
	struct script_tmp_level *level = &t->levels[token->level];
	struct str word = token->text;
	bool runs = token->role == SHELL_NAME ||
		    (token->role == SHELL_ARGUMENT && command->runs.len == 0);

	if (runs)
		check_file(t, level, word);
	else if (token->role == SHELL_ARGUMENT)
		check_argument(t, level, command, word);
	else if (token->role == SHELL_RESERVED)
		check_reserved(t, level, token);
	else if (token->role == SHELL_TARGET)
		check_target(t, level, word);
	mention_all(t, word, command->runs);
	/* After "cd /tmp" any name may mean a file there. */
	if (str_is(command->runs, "cd") || str_is(command->runs, "pushd"))
		t->is_anything = t->is_anything || memmem(word.data, word.len, "tmp", 3);
}

/* A command ends: what it reads counts unless it may fail, or runs later. */
static void end_command(struct script_tmp *t, const struct shell_token *token)
{
	struct script_tmp_level *level = &t->levels[token->level];
	bool counts = !level->is_condition && !level->is_tolerant && !t->in_function &&
		      !str_is(token->text, "||");
	bool is_condition = level->is_condition;

	for (size_t i = 0; i < level->n_reads && counts; i++)
		if (t->n_found < SCRIPT_MAX_PATHS)
			t->found[t->n_found++] = level->reads[i];
	*level = (struct script_tmp_level){.is_condition = is_condition};
}

/* "NAME() { ... }" and "NAME() ( ... )". */
static void follow_function(struct script_tmp *t, const struct shell_token *token)
{
	bool is_inside = t->in_function && t->n_braces == 0 &&
			 token->level == t->function_level + 1;

	if (token->kind == SHELL_FUNCTION && !t->in_function) {
		t->in_function = true;
		t->is_subshell = false;
		t->function_level = token->level;
		t->n_braces = 0;
	} else if (token->kind == SHELL_OPEN && is_inside) {
		t->is_subshell = t->is_subshell || str_is(token->text, "(");
	} else if (token->kind == SHELL_CONTROL && is_inside && t->is_subshell) {
		t->in_function = !str_is(token->text, ")");
	}
}

static void check_expansion(struct script_tmp *t, struct str text)
{
	static const char *const folders[] = {"TMPDIR", "TMP", "TEMP", "TEMPDIR", NULL};
	struct str s = str_slice(text, str_starts_with(text, "${") ? 2 : 1, text.len);

	if (is_in(folders, str_slice(s, 0, shell_name_len(s))))
		t->is_anything = true;
}

void script_tmp_init(struct script_tmp *t, const struct script_text *script)
{
	t->script = script;
	for (size_t i = 0; i < script->n_earlier; i++)
		mention_all(t, script->earlier[i], STR(""));
}

void script_tmp_token(struct script_tmp *t, const struct shell_command *command,
		      const struct shell_token *token)
{
	struct script_tmp_level *level = &t->levels[token->level];

	if (token->kind == SHELL_WORD)
		check_word(t, command, token);
	else if (token->kind == SHELL_EXPANSION)
		check_expansion(t, token->text);
	else if (token->kind == SHELL_REDIRECT)
		level->redirect = token->text;
	else if (token->kind == SHELL_CONTROL)
		end_command(t, token);
	else if (token->kind == SHELL_OPEN)
		*level = (struct script_tmp_level){0};
	else if (token->kind == SHELL_HERE_DOCUMENT)
		mention_all(t, token->body, STR(""));
	follow_function(t, token);
}

void script_tmp_report(const struct script_tmp *t, script_report report, void *context)
{
	for (size_t i = 0; i < t->n_found; i++) {
		CLEANUP(buf_release) struct buf message = BUF_INIT;
		struct str path = without_quotes(t->found[i].at);
		struct script_finding finding = {.code = "host-tmp",
						 .at = t->found[i].at};

		buf_puts(&message, "nothing makes '");
		buf_append(&message, path.data, path.len);
		buf_printf(&message, "': the host's %s is not in the container",
			   t->found[i].is_var ? "/var/tmp" : "/tmp");
		finding.message = buf_text(&message);
		finding.hint = "copy it with %files to another folder, such as /opt";
		report(context, &finding);
	}
}
