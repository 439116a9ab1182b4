/* SPDX-License-Identifier: MIT
 * options.h - command lines as tables.
 *
 * Purpose:   one row for each option; parsing and help come from the rows. GNU
 *            conventions: -j8, -j 8, --jobs=8, --jobs 8, bundled flags, `--` ends
 *            options, options may follow operands. An optional value is given only with
 *            '=' (--no-cache=build), or in the same word as the letter.
 * Ownership: values point into argv.
 * Threads:   main thread only.
 * Errors:    ERR_USAGE, with a did-you-mean for unknown options.
 */
#ifndef FRONTEND_OPTIONS_OPTIONS_H
#define FRONTEND_OPTIONS_OPTIONS_H

#include "base/buf.h"
#include "base/err.h"

/* Members are in the order in which one reads a row; that is worth a few bytes of
 * padding. */
/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding) */
struct option_row {
	char letter;	  /* 0: none */
	const char *name; /* without dashes */
	/* Name of its value in the help; NULL: a flag.  "[=NAME]": it may be left out. */
	const char *argument;
	const char *help;
	/* Store the value (NULL: none was given) in the command's settings.  NULL: `uses`
	 * is enough, or there is nothing to do. */
	struct err *(*set)(void *settings, const char *value);
	/* One of the command's own bits, which tells it that the option was given; 0: it
	 * does not need to know. */
	unsigned uses;
};

struct operands {
	const char **items; /* free() the array */
	size_t len;
	unsigned used; /* bits of the rows that were given */
};

/* Rows end with one whose name is NULL. */
NODISCARD struct err *options_parse(const struct option_row *rows, int argc, char **argv,
				    void *settings, struct operands *operands);
/* "  -j, --jobs N        text" for each row. */
void options_help(const struct option_row *rows, struct buf *out);
/* Every command has it, so that the help lists it: main() answers --help before a command
 * sees it. */
#define OPTIONS_HELP_ROW                                                                 \
	{                                                                                \
		'h', "help", NULL, "show this help", NULL, 0                             \
	}

#endif
