/* SPDX-License-Identifier: MIT
 * shell_scan.h - a scanner of shell text: words and operators, and what role each plays.
 *
 * Purpose:   tell code from comments, quotes and here-documents, so that checks look at
 *            code alone. It knows the words of bash, to read past them. It is not a
 *            parser: it does not tell whether a script is correct.
 * Ownership: tokens are slices of the text, which must outlive them.
 * Threads:   a scanner belongs to one thread.
 * Errors:    none. What it does not understand ends the scan; shell_scan_is_sound() then
 *            says that what it saw is not reliable.
 *
 * One pass: each byte is looked at a bounded number of times. Nesting is a stack of fixed
 * depth in the scanner itself: nothing is allocated, nothing recurses.
 */
#ifndef FRONTEND_SHELL_SHELL_SCAN_H
#define FRONTEND_SHELL_SHELL_SCAN_H

#include "base/str.h"

#define SHELL_MAX_DEPTH 64  /* of nested quotes, substitutions, subshells */
#define SHELL_MAX_PENDING 8 /* here-documents opened on one line */

enum shell_token_kind {
	SHELL_END,	     /* of the text, or where the scan gave up */
	SHELL_WORD,	     /* which has a role */
	SHELL_CONTROL,	     /* ends a command: ";", "|", newline, ")", end of text */
	SHELL_OPEN,	     /* begins a list of commands: "(", "$(", "`", "<(", and
			      * the ")" of a pattern */
	SHELL_REDIRECT,	     /* with its number, as "2>"; its target is a word */
	SHELL_HERE_DOCUMENT, /* its body; comes after the line that opened it */
	SHELL_FUNCTION,	     /* the name in "name()" and "function name" */
	SHELL_EXPANSION,     /* "$name" and "${...}", when it ends */
	SHELL_ANSI_QUOTE,    /* "$'...'" */
	SHELL_ARRAY,	     /* "name=(" */
	SHELL_ARITHMETIC,    /* "((...))" as a command, and in "for ((...))" */
};

enum shell_role {
	SHELL_NAME,	  /* of a command */
	SHELL_ARGUMENT,	  /* of a command */
	SHELL_ASSIGNMENT, /* before a command's name */
	SHELL_RESERVED,	  /* "if", "{", ... where it has its meaning */
	SHELL_TARGET,	  /* of a redirection */
	SHELL_OTHER,	  /* in "[[ ... ]]", an array, or "case" up to a pattern's ")" */
};

struct shell_token {
	enum shell_token_kind kind;
	struct str text; /* of a here-document: the operator with its word */
	/* Of nesting: the words of one level up to a SHELL_CONTROL form a command. */
	unsigned level;
	/* of a word: */
	enum shell_role role;
	struct str brace; /* from the first "{" without quotes to the end, or empty */
	/* of a here-document: */
	struct str body, delimiter;
	struct str near; /* the first line that differs in blanks only, or empty */
	bool is_closed;
};

/* Everything below is private to the scanner. */
struct shell_frame {
	unsigned char kind, position;
	unsigned char scope; /* the frame whose here-documents are read at line's end */
	bool in_backquotes, in_quotes, has_literal_quotes;
	bool in_word, has_array, wants_target, is_function;
	unsigned n_words;     /* of the command */
	size_t start;	      /* of the construct */
	size_t word, brace;   /* where the word, and its first "{", begin */
	size_t n_digits;      /* of a redirection's number, right before the operator */
	size_t n_parentheses; /* open in an arithmetic expression */
	struct str name;      /* of the command */
};

struct shell_pending {
	struct str opener, delimiter;
	bool strips_tabs;
	unsigned scope;
};

struct shell_scan {
	struct str text;
	size_t at;
	unsigned depth;
	struct shell_frame frames[SHELL_MAX_DEPTH];
	struct shell_pending pending[SHELL_MAX_PENDING];
	unsigned n_pending;
	bool are_bodies_due, has_ended, has_given_up, is_cut, has_token;
	struct shell_token token;
};

void shell_scan_init(struct shell_scan *s, struct str text);
/* The next token; at the end SHELL_END, again and again. */
const struct shell_token *shell_scan_next(struct shell_scan *s);
/* After SHELL_END: was everything understood? A here-document that is not closed counts
 * as understood. */
bool shell_scan_is_sound(const struct shell_scan *s);
/* Is `word` "NAME=...", "NAME+=..." or "NAME[...]=..."?  Then `*name_len` is set. */
bool shell_is_assignment(struct str word, size_t *name_len);
/* The number of characters of the name that `s` begins with. */
size_t shell_name_len(struct str s);

#endif
