/* SPDX-License-Identifier: MIT
 * script_rules.h - the checks behind script_lint(): each looks at one token after the
 * other.
 *
 * What a check finds is kept until the end, since the scanner may still give up: then
 * nothing is reported.
 */
#ifndef FRONTEND_CHECK_SCRIPT_RULES_H
#define FRONTEND_CHECK_SCRIPT_RULES_H

#include "frontend/check/script_lint.h"
#include "frontend/shell/shell_reads.h"
#include "frontend/shell/shell_scan.h"

/* ---- script_bash.c ---- */

#define SCRIPT_MAX_BASHISMS 64

struct script_bash {
	enum shell_kind shell;
	struct str found[SCRIPT_MAX_BASHISMS]; /* the first of each kind, or empty */
	bool is_excused[SCRIPT_MAX_BASHISMS];
	bool asks_for_bash; /* the script looks at BASH_VERSION: it knows where it runs */
};

/* For SHELL_IS_DASH and SHELL_IS_ASH only. */
void script_bash_token(struct script_bash *b, const struct shell_command *command,
		       const struct shell_token *token);
void script_bash_report(const struct script_bash *b, script_report report, void *context);

/* ---- script_tmp.c ---- */

#define SCRIPT_MAX_PATHS 128 /* that a script may mention below /tmp */
#define SCRIPT_MAX_READS 4   /* of those, what one command may read */

struct script_path {
	struct str text; /* what comes after the folder */
	bool is_var;	 /* of /var/tmp */
	struct str at;	 /* the word */
};

/* A list of commands, and the command it is at. */
struct script_tmp_level {
	bool is_condition; /* between "if" or "while" and "then" or "do" */
	/* of the command: */
	bool is_tolerant; /* it may fail */
	struct shell_reading reading;
	struct str redirect; /* the operator, before its target */
	struct script_path
		last; /* the last operand; `at` is empty if it does not count */
	struct script_path reads[SCRIPT_MAX_READS];
	size_t n_reads;
};

struct script_tmp {
	const struct script_text *script;
	struct script_tmp_level levels[SHELL_MAX_DEPTH];
	struct script_path mentioned[SCRIPT_MAX_PATHS];
	size_t n_mentioned;
	struct script_path found[SCRIPT_MAX_PATHS];
	size_t n_found;
	bool is_anything; /* from here on any file might be there */
	/* The body of a function runs later, when more may be there. */
	bool in_function, is_subshell;
	unsigned function_level, n_braces;
};

void script_tmp_init(struct script_tmp *t, const struct script_text *script);
void script_tmp_token(struct script_tmp *t, const struct shell_command *command,
		      const struct shell_token *token);
void script_tmp_report(const struct script_tmp *t, script_report report, void *context);

#endif
