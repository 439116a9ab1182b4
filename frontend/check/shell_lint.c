/* SPDX-License-Identifier: MIT
 * shell_lint.c - run the checks over a script: see shell_lint.h.
 */
#include "frontend/check/shell_lint.h"

#include "base/buf.h"
#include "frontend/check/shell_rules.h"

struct shell_lint {
	const struct shell_script *script;
	struct shell_scan scan;
	struct shell_command commands[SHELL_MAX_DEPTH];
	struct shell_bash bash;
	struct shell_tmp tmp;
	struct shell_token unfinished; /* the first here-document that is, or nothing */
};

/* ---- commands ---- */

/* Commands whose operands are another command. */
static bool is_prefix(struct str name)
{
	static const char *const names[] = {"sudo", "exec",  "command", "env",
					    "nice", "nohup", "builtin", "eatmydata"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_is(name, names[i]))
			return true;
	return false;
}

static void add_argument(struct shell_command *command, struct str word)
{
	size_t name_len;

	if (command->runs.len > 0)
		command->n_arguments++;
	else if (!str_starts_with(word, "-") && !shell_is_assignment(word, &name_len))
		command->runs = word;
	command->previous = word;
}

static void command_add(struct shell_command *command, const struct shell_token *token)
{
	if (token->kind == SHELL_CONTROL || token->kind == SHELL_OPEN ||
	    token->kind == SHELL_FUNCTION) {
		*command = (struct shell_command){0};
	} else if (token->kind == SHELL_WORD && token->role == SHELL_NAME) {
		command->name = token->text;
		if (!is_prefix(token->text))
			command->runs = token->text;
	} else if (token->kind == SHELL_WORD && token->role == SHELL_ARGUMENT) {
		add_argument(command, token->text);
	}
}

/* ---- unfinished here-documents ---- */

static void report_unfinished(const struct shell_token *token, shell_report report,
			      void *context)
{
	CLEANUP(buf_release) struct buf message = BUF_INIT;
	struct shell_finding finding = {.code = "unfinished-here-document",
					.at = token->text};

	buf_puts(&message, "the here-document is not closed: the section ends before its "
			   "last line '");
	buf_append(&message, token->delimiter.data, token->delimiter.len);
	buf_puts(&message, "'");
	finding.message = buf_text(&message);
	finding.hint = "a line that begins with '%' ends the section, also here";
	if (token->near.len > 0) {
		finding.hint = "write the last line without blanks";
		finding.note_at = token->near;
		finding.note = "this is not the last line: it has blanks";
	}
	report(context, &finding);
}

/* ---- all ---- */

static void lint_token(struct shell_lint *l, const struct shell_token *token)
{
	struct shell_command *command = &l->commands[token->level];

	if (l->script->shell == SHELL_IS_DASH || l->script->shell == SHELL_IS_ASH)
		shell_bash_token(&l->bash, command, token);
	if (!l->script->has_host_tmp)
		shell_tmp_token(&l->tmp, command, token);
	if (token->kind == SHELL_HERE_DOCUMENT && !token->is_closed &&
	    l->unfinished.kind == SHELL_END)
		l->unfinished = *token;
	command_add(command, token);
}

void shell_lint(const struct shell_script *script, shell_report report, void *context)
{
	CLEANUP(freep) struct shell_lint *l = xcalloc(1, sizeof(*l));
	const struct shell_token *token;

	l->script = script;
	l->bash.shell = script->shell;
	if (!script->has_host_tmp)
		shell_tmp_init(&l->tmp, script);
	shell_scan_init(&l->scan, script->text);
	while ((token = shell_scan_next(&l->scan))->kind != SHELL_END)
		lint_token(l, token);
	if (!shell_scan_is_sound(&l->scan))
		return;
	shell_bash_report(&l->bash, report, context);
	if (!script->has_host_tmp)
		shell_tmp_report(&l->tmp, report, context);
	if (l->unfinished.kind == SHELL_HERE_DOCUMENT)
		report_unfinished(&l->unfinished, report, context);
}

/* ---- errexit ---- */

bool shell_option_is_errexit(struct str word, struct str before)
{
	bool is_short = str_starts_with(word, "-") && !str_starts_with(word, "--");
	bool is_name = str_starts_with(before, "-") && str_ends_with(before, "o");

	return (is_short && str_find(word, 'e') < word.len) ||
	       (is_name && str_is(word, "errexit"));
}

bool shell_sets_errexit(struct str text)
{
	struct shell_command command = {0};
	const struct shell_token *token;
	struct shell_scan scan;

	shell_scan_init(&scan, text);
	for (;;) {
		token = shell_scan_next(&scan);
		if (token->kind == SHELL_WORD && token->role == SHELL_ARGUMENT) {
			if (shell_option_is_errexit(token->text, command.previous))
				return true;
		} else if (token->kind == SHELL_WORD && token->role == SHELL_NAME) {
			if (!str_is(token->text, "set"))
				return false;
		} else if (token->kind != SHELL_CONTROL) {
			return false;
		}
		command_add(&command, token);
	}
}
