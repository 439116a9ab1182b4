/* SPDX-License-Identifier: MIT
 * shell_rules.h - the checks behind shell_lint(): each looks at one token after the other.
 *
 * What a check finds is kept until the end, since the scanner may yet give up: then
 * nothing is reported.
 */
#ifndef FRONTEND_CHECK_SHELL_RULES_H
#define FRONTEND_CHECK_SHELL_RULES_H

#include "frontend/check/shell_lint.h"
#include "frontend/shell/shell_scan.h"

/* The simple command that a token belongs to: what came before the token. */
struct shell_command {
	struct str name;     /* its first word, or empty */
	struct str runs;     /* the same, but the command behind "sudo" and the like */
	struct str previous; /* the word before */
	size_t n_arguments;  /* of `runs` */
};

/* ---- shell_bash.c ---- */

#define SHELL_MAX_BASHISMS 64

struct shell_bash {
	enum shell_kind shell;
	struct str found[SHELL_MAX_BASHISMS]; /* the first of each kind, or empty */
	bool is_excused[SHELL_MAX_BASHISMS];
	bool asks_for_bash; /* the script looks at BASH_VERSION: it knows where it runs */
};

/* For SHELL_IS_DASH and SHELL_IS_ASH only. */
void shell_bash_token(struct shell_bash *b, const struct shell_command *command,
		      const struct shell_token *token);
void shell_bash_report(const struct shell_bash *b, shell_report report, void *context);

/* ---- shell_reads.c ---- */

/* What the words of a command so far say about the next. */
struct shell_reading {
	bool is_stopped;   /* an option says that it reads nothing */
	bool is_active;	   /* an option or a word said that it reads something */
	bool is_file_next; /* the word before was the option for the file that is read */
	size_t n_operands;
};

enum shell_reads {
	SHELL_READS_NOT,
	SHELL_READS,
	SHELL_READS_UNLESS_LAST, /* if another operand follows */
};

/* Does the command read the file that its next argument names? */
enum shell_reads shell_reads_word(struct shell_reading *r,
				  const struct shell_command *command, struct str word);

/* ---- shell_tmp.c ---- */

#define SHELL_MAX_PATHS 128 /* that a script may mention below /tmp */
#define SHELL_MAX_READS 4   /* of them that one command may read */

struct shell_path {
	struct str text; /* what comes after the folder */
	bool is_var;	 /* of /var/tmp */
	struct str at;	 /* the word */
};

/* A list of commands, and the command it is at. */
struct shell_tmp_level {
	bool is_condition; /* between "if" or "while" and "then" or "do" */
	/* of the command: */
	bool is_tolerant; /* it may fail */
	struct shell_reading reading;
	struct str redirect; /* the operator, before its target */
	struct shell_path
		last; /* the last operand; `at` is empty if it counts for nothing */
	struct shell_path reads[SHELL_MAX_READS];
	size_t n_reads;
};

struct shell_tmp {
	const struct shell_script *script;
	struct shell_tmp_level levels[SHELL_MAX_DEPTH];
	struct shell_path mentioned[SHELL_MAX_PATHS];
	size_t n_mentioned;
	struct shell_path found[SHELL_MAX_PATHS];
	size_t n_found;
	bool is_anything; /* from here on any file might be there */
	/* The body of a function runs later, when more may be there. */
	bool in_function, is_subshell;
	unsigned function_level, n_braces;
};

void shell_tmp_init(struct shell_tmp *t, const struct shell_script *script);
void shell_tmp_token(struct shell_tmp *t, const struct shell_command *command,
		     const struct shell_token *token);
void shell_tmp_report(const struct shell_tmp *t, shell_report report, void *context);

#endif
