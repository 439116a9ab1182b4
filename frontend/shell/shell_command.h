/* SPDX-License-Identifier: MIT
 * shell_command.h - the simple commands of a script, and what options tell a shell.
 *
 * Purpose:   from the scanner's tokens to the command that each belongs to; kinds of
 *            shell; whether a script stops at a command that fails.
 * Ownership: slices of the script's text.
 * Threads:   values; no shared state.
 * Errors:    none.
 */
#ifndef FRONTEND_SHELL_SHELL_COMMAND_H
#define FRONTEND_SHELL_SHELL_COMMAND_H

#include "frontend/shell/shell_scan.h"

/* What runs a script. */
enum shell_kind {
	SHELL_IS_OTHER, /* bash, or not known: nothing is a bashism */
	SHELL_IS_SH,	/* /bin/sh, whatever that is */
	SHELL_IS_DASH,
	SHELL_IS_ASH, /* BusyBox, as in Alpine */
};

/* The simple command that a token belongs to: what came before the token. */
struct shell_command {
	struct str name;     /* its first word, or empty */
	struct str runs;     /* the same, but the command after "sudo" and similar */
	struct str previous; /* the word before */
	size_t n_arguments;  /* of `runs` */
};

/* Add the next token to the command. */
void shell_command_add(struct shell_command *command, const struct shell_token *token);

/* Is `word`, after `before`, an option of a shell that sets errexit: `-e`, `-ex`, or
 * `errexit` after `-o`? */
bool shell_option_is_errexit(struct str word, struct str before);
/* Does the script begin with `set -e`, `set -ex`, `set -o errexit`, or similar? */
bool shell_sets_errexit(struct str text);

#endif
