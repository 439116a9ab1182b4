/* SPDX-License-Identifier: MIT
 * shell_command.c - see shell_command.h.
 */
#include "frontend/shell/shell_command.h"

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

void shell_command_add(struct shell_command *command, const struct shell_token *token)
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
		shell_command_add(&command, token);
	}
}
