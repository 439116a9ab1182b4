/* SPDX-License-Identifier: MIT
 * shell_quote.c - what is inside words: quotes, expansions, arithmetic.
 */
#include "frontend/shell/shell_scan_private.h"

#include <string.h>

static void escape(struct shell_scan *s)
{
	scan_advance(s, 1);
	scan_advance(s, scan_newline(s, 0) > 0 ? scan_newline(s, 0) : 1);
}

/* Go past the next `c`.  Backquotes end at the next backquote, wherever that is. */
static void skip_past(struct shell_scan *s, char c)
{
	struct str rest = str_slice(s->text, s->at, s->text.len);
	size_t len = str_find(rest, c);

	if (len == rest.len ||
	    (scan_top(s)->in_backquotes && str_find(str_slice(rest, 0, len), '`') < len))
		scan_give_up(s);
	else
		scan_advance(s, len + 1);
}

static void single_quotes(struct shell_scan *s)
{
	scan_advance(s, 1);
	skip_past(s, '\'');
}

static void ansi_quotes(struct shell_scan *s)
{
	size_t start = s->at;

	scan_advance(s, 2);
	while (s->at < s->text.len && scan_peek(s, 0) != '\'')
		scan_advance(s, scan_peek(s, 0) == '\\' ? 2 : 1);
	if (s->at == s->text.len) {
		scan_give_up(s);
		return;
	}
	scan_advance(s, 1);
	scan_emit(s, SHELL_ANSI_QUOTE, scan_from(s, start));
}

/* "${": in double quotes, single quotes are literal after operators such as ":-" and
 * "=". */
static void open_parameter(struct shell_scan *s)
{
	size_t start = s->at;

	scan_advance(s, 2);
	if (!scan_push(s, KIND_PARAMETER, start))
		return;
	scan_advance(s, char_is_one_of(scan_peek(s, 0), "#!"));
	if (char_is_one_of(scan_peek(s, 0), "@*") || char_is_digit(scan_peek(s, 0)))
		scan_advance(s, 1);
	else
		scan_advance(s, shell_name_len(str_slice(s->text, s->at, s->text.len)));
	scan_top(s)->has_literal_quotes =
		scan_top(s)->in_quotes && char_is_one_of(scan_peek(s, 0), ":-=?+");
}

static void dollar(struct shell_scan *s)
{
	size_t start = s->at;
	char next = scan_peek(s, 1);

	if (next == '{') {
		open_parameter(s);
	} else if (next == '(' && scan_peek(s, 2) == '(') {
		scan_advance(s, 3);
		if (scan_push(s, KIND_ARITHMETIC, start))
			scan_top(s)->n_parentheses = 2;
	} else if (next == '(') {
		scan_advance(s, 2);
		scan_push_list(s, KIND_DOLLAR, start);
	} else if (next == '\'' && !scan_top(s)->in_quotes) {
		ansi_quotes(s);
	} else if (char_is_name_start(next)) {
		scan_advance(s, 1);
		scan_advance(s, shell_name_len(str_slice(s->text, s->at, s->text.len)));
		scan_emit(s, SHELL_EXPANSION, scan_from(s, start));
	} else {
		scan_advance(s, char_is_digit(next) || char_is_one_of(next, "@*#?$!-")
					? 2
					: 1);
	}
}

static void open_backquote(struct shell_scan *s)
{
	size_t start = s->at;

	scan_advance(s, 1);
	if (scan_top(s)->in_backquotes)
		scan_give_up(s);
	else
		scan_push_list(s, KIND_BACKQUOTES, start);
}

static void open_quotes(struct shell_scan *s)
{
	scan_advance(s, 1);
	scan_push(s, KIND_QUOTES, s->at - 1);
}

void word_begin(struct shell_scan *s)
{
	struct shell_frame *f = scan_top(s);

	f->in_word = true;
	f->has_array = false;
	f->n_digits = 0;
	f->word = s->at;
	f->brace = s->text.len;
}

void word_step(struct shell_scan *s)
{
	struct shell_frame *f = scan_top(s);
	char c = scan_peek(s, 0);

	if (c == '\\') {
		escape(s);
	} else if (c == '\'') {
		single_quotes(s);
	} else if (c == '"') {
		open_quotes(s);
	} else if (c == '$') {
		dollar(s);
	} else if (c == '`') {
		open_backquote(s);
	} else {
		if (c == '{' && f->brace == s->text.len)
			f->brace = s->at;
		scan_advance(s, 1);
	}
}

/* "<(" and ">(" of bash: part of a word. */
bool word_begins_process(const struct shell_scan *s)
{
	return char_is_one_of(scan_peek(s, 0), "<>") && scan_peek(s, 1) == '(';
}

void word_open_process(struct shell_scan *s)
{
	size_t start = s->at;

	if (!scan_top(s)->in_word)
		word_begin(s);
	scan_advance(s, 2);
	scan_push_list(s, KIND_PROCESS, start);
}

/* "@(a|b)" of bash, on one line. */
void word_skip_patterns(struct shell_scan *s)
{
	size_t n_open = 0;

	do {
		char c = scan_peek(s, 0);

		n_open += c == '(';
		n_open -= c == ')';
		scan_advance(s, c == '\\' ? 2 : 1);
	} while (n_open > 0 && s->at < s->text.len && scan_newline(s, 0) == 0);
	if (n_open > 0)
		scan_give_up(s);
}

/* What quotes, parameters and arithmetic have in common. */
static void step_text(struct shell_scan *s)
{
	char c = scan_peek(s, 0);

	if (c == '\\')
		escape(s);
	else if (c == '$')
		dollar(s);
	else if (c == '`')
		open_backquote(s);
	else
		scan_advance(s, 1);
}

void quotes_step(struct shell_scan *s)
{
	if (scan_peek(s, 0) == '"') {
		scan_advance(s, 1);
		scan_pop(s);
	} else {
		step_text(s);
	}
}

void parameter_step(struct shell_scan *s)
{
	char c = scan_peek(s, 0);

	if (c == '}') {
		scan_advance(s, 1);
		scan_emit(s, SHELL_EXPANSION, scan_from(s, scan_top(s)->start));
		scan_pop(s);
	} else if (c == '"') {
		open_quotes(s);
	} else if (c == '\'' && !scan_top(s)->has_literal_quotes) {
		single_quotes(s);
	} else {
		step_text(s);
	}
}

/* The final ")" is not followed by another one: it was not arithmetic, but commands in
 * two pairs of parentheses.  The scanner has not seen the inner ones. */
static void not_arithmetic(struct shell_scan *s)
{
	bool is_command = scan_top(s)->kind == KIND_COMMAND;

	frame_init(s, is_command ? KIND_PARENTHESES : KIND_DOLLAR, scan_top(s)->start);
	scan_advance(s, 1);
	scan_emit(s, SHELL_OPEN, scan_from(s, s->at - 1));
}

static void end_arithmetic(struct shell_scan *s)
{
	bool is_command = scan_top(s)->kind == KIND_COMMAND;
	size_t start = scan_top(s)->start;

	scan_advance(s, 2);
	scan_pop(s);
	if (is_command)
		scan_emit(s, SHELL_ARITHMETIC, scan_from(s, start));
}

void arithmetic_step(struct shell_scan *s)
{
	struct shell_frame *f = scan_top(s);
	char c = scan_peek(s, 0);

	if (c == ')' && f->n_parentheses == 2) {
		if (scan_peek(s, 1) == ')')
			end_arithmetic(s);
		else
			not_arithmetic(s);
	} else if (c == '"') {
		open_quotes(s);
	} else if (c == '\'') {
		single_quotes(s);
	} else {
		f->n_parentheses += c == '(';
		f->n_parentheses -= c == ')';
		step_text(s);
	}
}
