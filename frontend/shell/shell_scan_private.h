/* SPDX-License-Identifier: MIT
 * shell_scan_private.h - what the scanner's files share: see shell_scan.c.
 *
 * shell_frame.c has the stack and the tokens, shell_quote.c what is inside words,
 * shell_here.c here-documents, shell_scan.c words, operators and the rest.
 */
#ifndef FRONTEND_SHELL_SHELL_SCAN_PRIVATE_H
#define FRONTEND_SHELL_SHELL_SCAN_PRIVATE_H

#include "frontend/shell/shell_scan.h"

enum shell_frame_kind {
	KIND_TOP,
	KIND_PARENTHESES, /* ( ... ) */
	KIND_DOLLAR,	  /* $( ... ) */
	KIND_BACKQUOTES,
	KIND_PROCESS,	/* <( ... ) */
	KIND_CASE,	/* from "case" to "esac" */
	KIND_CONDITION, /* [[ ... ]] */
	KIND_ARRAY,	/* name=( ... ) */
	/* These hold no words of their own: */
	KIND_QUOTES,	 /* " ... " */
	KIND_PARAMETER,	 /* ${ ... } */
	KIND_ARITHMETIC, /* $(( ... )) */
	KIND_COMMAND,	 /* (( ... )) */
};

/* What the next word of a list is. */
enum shell_position {
	POSITION_COMMAND,
	POSITION_ARGUMENT,
	POSITION_SUBJECT, /* of "case" */
	POSITION_IN,	  /* of "case" */
	POSITION_PATTERN, /* of "case" */
};

/* ---- shell_frame.c ---- */

bool char_is_name_start(char c);
bool char_is_digit(char c);
bool char_is_one_of(char c, const char *set); /* NUL is in no set */
/* The character `ahead`, or NUL after the end. */
char scan_peek(const struct shell_scan *s, size_t ahead);
/* Go on by `n` characters, but not beyond the end. */
void scan_advance(struct shell_scan *s, size_t n);
/* From `start` to where we are. */
struct str scan_from(const struct shell_scan *s, size_t start);
/* Length of a line's end `ahead`: 0 if there is none. */
size_t scan_newline(const struct shell_scan *s, size_t ahead);
/* Is `ahead` a character that ends a word? */
bool scan_is_meta(const struct shell_scan *s, size_t ahead);

struct shell_frame *scan_top(struct shell_scan *s);
bool frame_has_words(const struct shell_frame *f);
/* Set up the frame at the top: what depends on its kind, and on the frame below. */
void frame_init(struct shell_scan *s, enum shell_frame_kind kind, size_t start);
/* False when that is too deep: the scan has ended then. */
bool scan_push(struct shell_scan *s, enum shell_frame_kind kind, size_t start);
/* As scan_push(), for what holds commands. */
void scan_push_list(struct shell_scan *s, enum shell_frame_kind kind, size_t start);
void scan_pop(struct shell_scan *s);
void scan_give_up(struct shell_scan *s);
/* Make the token that shell_scan_next() returns. */
struct shell_token *scan_emit(struct shell_scan *s, enum shell_token_kind kind,
			      struct str text);

/* ---- shell_quote.c ---- */

void word_begin(struct shell_scan *s);
/* One character of a word, or what it opens. */
void word_step(struct shell_scan *s);
/* "<(" and ">(" of bash: part of a word. */
bool word_begins_process(const struct shell_scan *s);
void word_open_process(struct shell_scan *s);
/* "@(a|b)" of bash, on one line. */
void word_skip_patterns(struct shell_scan *s);
void quotes_step(struct shell_scan *s);
void parameter_step(struct shell_scan *s);
void arithmetic_step(struct shell_scan *s);

/* ---- shell_here.c ---- */

/* At "<<" or "<<-". */
void here_document_open(struct shell_scan *s, struct str opener);
/* At a line's start: read the body of the `index`th here-document that waits for one. */
void here_document_read(struct shell_scan *s, unsigned index);
/* Read the next body that begins here; if there is none, clear `are_bodies_due`. */
void here_document_read_due(struct shell_scan *s);

#endif
