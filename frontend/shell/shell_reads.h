/* SPDX-License-Identifier: MIT
 * shell_reads.h - which words of a command name files that it reads.
 *
 * Purpose:   well-known commands only, and only words that are surely files.
 * Ownership: values.
 * Threads:   no shared state.
 * Errors:    none.
 */
#ifndef FRONTEND_SHELL_SHELL_READS_H
#define FRONTEND_SHELL_SHELL_READS_H

#include "frontend/shell/shell_command.h"

/* What the words of a command so far say about the next one. */
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

#endif
