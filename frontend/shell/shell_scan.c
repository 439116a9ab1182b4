/* SPDX-License-Identifier: MIT
 * shell_scan.c - the scanner: see shell_scan.h.
 *
 * A stack of frames says where we are: in a list of commands, in double quotes, in
 * "${...}", and so on. Each kind has a step function that looks at the next character,
 * and advances by at least one, or changes the stack, or makes a token. A word may hold
 * whole lists ("a$(b c)d"): the frame of the list it belongs to remembers where it began,
 * so its token comes after those of the commands inside.
 *
 * The scanner knows only so much of the shell's grammar as it needs to tell a command's
 * name from an argument, and the ")" of a pattern of "case" from that of a subshell.
 */
#include "frontend/shell/shell_scan_private.h"

#include <string.h>

enum operator_kind {
	OPERATOR_CONTROL,
	OPERATOR_NEXT, /* ends a branch of "case" */
	OPERATOR_REDIRECT,
	OPERATOR_HERE,
	OPERATOR_OPEN,
	OPERATOR_CLOSE,
};

/* Longer operators come before those with which they begin. */
static const struct shell_operator {
	const char *text;
	enum operator_kind kind;
} operators[] = {
	{";;&", OPERATOR_NEXT},	   {";;", OPERATOR_NEXT},      {";&", OPERATOR_NEXT},
	{";", OPERATOR_CONTROL},   {"&>>", OPERATOR_REDIRECT}, {"&>", OPERATOR_REDIRECT},
	{"&&", OPERATOR_CONTROL},  {"&", OPERATOR_CONTROL},    {"||", OPERATOR_CONTROL},
	{"|&", OPERATOR_CONTROL},  {"|", OPERATOR_CONTROL},    {"<<<", OPERATOR_REDIRECT},
	{"<<-", OPERATOR_HERE},	   {"<<", OPERATOR_HERE},      {"<&", OPERATOR_REDIRECT},
	{"<>", OPERATOR_REDIRECT}, {"<", OPERATOR_REDIRECT},   {">>", OPERATOR_REDIRECT},
	{">&", OPERATOR_REDIRECT}, {">|", OPERATOR_REDIRECT},  {">", OPERATOR_REDIRECT},
	{"(", OPERATOR_OPEN},	   {")", OPERATOR_CLOSE},
};

static const char *const reserved_words[] = {
	"if",	"then", "elif", "else", "fi", "while", "until", "do",
	"done", "case", "esac", "{",	"}",  "!",     "time",
};

/* ---- where words end ---- */

static void pop_compound(struct shell_scan *s)
{
	scan_pop(s);
	scan_top(s)->position = POSITION_COMMAND;
}

static bool is_reserved(struct str word)
{
	for (size_t i = 0; i < ARRAY_LEN(reserved_words); i++)
		if (str_is(word, reserved_words[i]))
			return true;
	return false;
}

static void begin_command(struct shell_frame *f)
{
	f->position = POSITION_COMMAND;
	f->name = STR("");
	f->n_words = 0;
	f->is_function = false;
	f->wants_target = false;
}

static enum shell_role command_word(struct shell_scan *s, struct str word)
{
	struct shell_frame *f = scan_top(s);
	size_t name_len;

	if (f->position == POSITION_ARGUMENT) {
		f->n_words++;
		return SHELL_ARGUMENT;
	}
	if (shell_is_assignment(word, &name_len))
		return SHELL_ASSIGNMENT;
	if (is_reserved(word))
		return SHELL_RESERVED;
	f->position = POSITION_ARGUMENT;
	f->name = word;
	f->n_words = 1;
	return SHELL_NAME;
}

/* A word of the head of "case", or of its patterns. */
static enum shell_role case_word(struct shell_scan *s, struct str word)
{
	struct shell_frame *f = scan_top(s);

	if (f->position == POSITION_SUBJECT) {
		f->position = POSITION_IN;
		return SHELL_OTHER;
	}
	if (f->position == POSITION_IN) {
		if (!str_is(word, "in")) {
			scan_give_up(s);
			return SHELL_OTHER;
		}
		f->position = POSITION_PATTERN;
		f->n_words = 0;
		return SHELL_RESERVED;
	}
	return f->n_words++ == 0 && str_is(word, "esac") ? SHELL_RESERVED : SHELL_OTHER;
}

/* What a reserved word, or a command's name, opens or closes. */
static void after_word(struct shell_scan *s, enum shell_role role, struct str word)
{
	if (role == SHELL_NAME && str_is(word, "[["))
		scan_push(s, KIND_CONDITION, s->at);
	else if (role == SHELL_NAME && str_is(word, "function"))
		scan_top(s)->is_function = true;
	else if (role == SHELL_RESERVED && str_is(word, "case") &&
		 scan_push(s, KIND_CASE, s->at))
		scan_top(s)->position = POSITION_SUBJECT;
	else if (role == SHELL_RESERVED && str_is(word, "esac") &&
		 scan_top(s)->kind == KIND_CASE)
		pop_compound(s);
	else if (role == SHELL_RESERVED && str_is(word, "esac"))
		scan_give_up(s);
}

static enum shell_role word_role(struct shell_scan *s, struct str word)
{
	struct shell_frame *f = scan_top(s);

	if (f->kind == KIND_CONDITION || f->kind == KIND_ARRAY)
		return SHELL_OTHER;
	if (f->position >= POSITION_SUBJECT)
		return case_word(s, word);
	if (f->wants_target) {
		f->wants_target = false;
		return SHELL_TARGET;
	}
	return command_word(s, word);
}

static bool is_number(struct str word)
{
	for (size_t i = 0; i < word.len; i++)
		if (!char_is_digit(word.data[i]))
			return false;
	return true;
}

static void end_word(struct shell_scan *s)
{
	struct shell_frame *f = scan_top(s);
	struct str word = scan_from(s, f->word);
	struct shell_token *token;
	enum shell_role role;

	f->in_word = false;
	if (char_is_one_of(scan_peek(s, 0), "<>") && is_number(word)) {
		f->n_digits = word.len;
		return;
	}
	token = scan_emit(s, SHELL_WORD, word);
	if (f->is_function && !f->wants_target) {
		/* "function NAME": a command follows, its body. */
		token->kind = SHELL_FUNCTION;
		begin_command(f);
		return;
	}
	token->brace = str_slice(s->text, f->brace, s->at);
	role = token->role = word_role(s, word);
	if (f->kind == KIND_CONDITION && str_is(word, "]]"))
		scan_pop(s);
	else
		after_word(s, role, word);
}

/* "(" right after characters of a word. */
static void word_parenthesis(struct shell_scan *s)
{
	struct shell_frame *f = scan_top(s);
	struct str word = scan_from(s, f->word);
	bool is_not = f->position == POSITION_COMMAND && str_is(word, "!");
	size_t start = f->word, name_len;

	if (char_is_one_of(word.data[word.len - 1], "?*+@!") && !is_not) {
		word_skip_patterns(s);
	} else if (str_ends_with(word, "=") && !f->has_array &&
		   shell_is_assignment(word, &name_len)) {
		f->has_array = true;
		scan_advance(s, 1);
		if (scan_push(s, KIND_ARRAY, start))
			scan_emit(s, SHELL_ARRAY, scan_from(s, start));
	} else {
		end_word(s);
	}
}

/* ---- between words ---- */

static void end_command(struct shell_scan *s, struct str text)
{
	begin_command(scan_top(s));
	scan_emit(s, SHELL_CONTROL, text);
}

/* "()": may have blanks inside. */
static bool skip_empty_parentheses(struct shell_scan *s)
{
	size_t n = 1;

	while (char_is_one_of(scan_peek(s, n), " \t"))
		n++;
	if (scan_peek(s, n) != ')')
		return false;
	scan_advance(s, n + 1);
	return true;
}

static void open_parenthesis(struct shell_scan *s)
{
	struct shell_frame *f = scan_top(s);
	bool is_command = f->position == POSITION_COMMAND && !f->wants_target;
	bool is_for = f->n_words == 1 && str_is(f->name, "for");
	size_t start = s->at;

	if ((is_command || is_for) && scan_peek(s, 1) == '(') {
		scan_advance(s, 2);
		if (scan_push(s, KIND_COMMAND, start))
			scan_top(s)->n_parentheses = 2;
	} else if (is_command && !skip_empty_parentheses(s)) {
		scan_advance(s, 1);
		scan_push_list(s, KIND_PARENTHESES, start);
	} else if (!is_command && f->n_words == 1 && skip_empty_parentheses(s)) {
		scan_emit(s, SHELL_FUNCTION, f->name);
		begin_command(f);
	} else if (!is_command) {
		scan_give_up(s);
	}
}

static void close_parenthesis(struct shell_scan *s)
{
	enum shell_frame_kind kind = scan_top(s)->kind;

	if (kind != KIND_PARENTHESES && kind != KIND_DOLLAR && kind != KIND_PROCESS) {
		scan_give_up(s);
		return;
	}
	scan_advance(s, 1);
	end_command(s, str_slice(s->text, s->at - 1, s->at));
	if (kind == KIND_PARENTHESES)
		pop_compound(s);
	else
		scan_pop(s);
}

static void next_branch(struct shell_scan *s, struct str text)
{
	if (scan_top(s)->kind != KIND_CASE) {
		scan_give_up(s);
		return;
	}
	scan_advance(s, text.len);
	end_command(s, text);
	scan_top(s)->position = POSITION_PATTERN;
}

static void redirect(struct shell_scan *s, struct str text)
{
	struct shell_frame *f = scan_top(s);
	size_t start = s->at - f->n_digits;

	scan_advance(s, text.len);
	f->n_digits = 0;
	f->wants_target = true;
	scan_emit(s, SHELL_REDIRECT, scan_from(s, start));
}

static void step_operator(struct shell_scan *s)
{
	const struct shell_operator *o = operators;
	struct str rest = str_slice(s->text, s->at, s->text.len);
	struct str text;

	while (!str_starts_with(rest, o->text))
		o++;
	text = str_slice(rest, 0, strlen(o->text));
	switch (o->kind) {
	case OPERATOR_CONTROL:
		scan_advance(s, text.len);
		end_command(s, text);
		break;
	case OPERATOR_NEXT:
		next_branch(s, text);
		break;
	case OPERATOR_REDIRECT:
		redirect(s, text);
		break;
	case OPERATOR_HERE:
		scan_top(s)->n_digits = 0;
		here_document_open(s, text);
		break;
	case OPERATOR_OPEN:
		open_parenthesis(s);
		break;
	case OPERATOR_CLOSE:
		close_parenthesis(s);
		break;
	}
}

/* Blanks, joined lines, and comments. */
static bool skip_between(struct shell_scan *s)
{
	size_t start = s->at;
	struct str rest;

	while (char_is_one_of(scan_peek(s, 0), " \t"))
		scan_advance(s, 1);
	if (scan_peek(s, 0) == '\\' && scan_newline(s, 1) > 0)
		scan_advance(s, 1 + scan_newline(s, 1));
	if (scan_peek(s, 0) == '#') {
		rest = str_slice(s->text, s->at, s->text.len);
		rest = str_slice(rest, 0, str_find(rest, '\n'));
		scan_advance(s,
			     scan_top(s)->in_backquotes ? str_find(rest, '`') : rest.len);
	}
	return s->at > start;
}

/* ---- steps ---- */

static bool ends_word(const struct shell_scan *s)
{
	const struct shell_frame *f = &s->frames[s->depth];

	if (scan_peek(s, 0) == '\\')
		return scan_newline(s, 1) > 0 && scan_is_meta(s, 1 + scan_newline(s, 1));
	return scan_is_meta(s, 0) ||
	       (scan_peek(s, 0) == '`' && f->kind == KIND_BACKQUOTES);
}

/* Inside a word, or at something between words: true when the step is done. */
static bool step_word(struct shell_scan *s)
{
	struct shell_frame *f = scan_top(s);

	if (word_begins_process(s) && f->kind != KIND_CONDITION) {
		word_open_process(s);
		return true;
	}
	if (!f->in_word)
		return skip_between(s);
	if (scan_peek(s, 0) == '(' && f->kind != KIND_CONDITION)
		word_parenthesis(s);
	else if (ends_word(s))
		end_word(s);
	else
		word_step(s);
	return true;
}

static bool step_newline(struct shell_scan *s)
{
	size_t n = scan_newline(s, 0);

	scan_advance(s, n);
	if (n > 0)
		s->are_bodies_due = s->n_pending > 0;
	return n > 0;
}

static void step_pattern(struct shell_scan *s)
{
	struct shell_frame *f = scan_top(s);
	bool is_pattern = f->position == POSITION_PATTERN;

	if (step_newline(s))
		return;
	if (is_pattern && scan_peek(s, 0) == ')') {
		scan_advance(s, 1);
		begin_command(f);
		scan_emit(s, SHELL_OPEN, str_slice(s->text, s->at - 1, s->at));
	} else if (is_pattern && char_is_one_of(scan_peek(s, 0), "(|")) {
		scan_advance(s, 1);
		f->n_words++;
	} else if (scan_is_meta(s, 0)) {
		scan_give_up(s);
	} else {
		word_begin(s);
	}
}

static void step_list(struct shell_scan *s)
{
	struct shell_frame *f = scan_top(s);
	size_t start = s->at;

	if (step_word(s))
		return;
	if (f->position >= POSITION_SUBJECT) {
		step_pattern(s);
	} else if (step_newline(s)) {
		end_command(s, scan_from(s, start));
	} else if (f->kind == KIND_BACKQUOTES && scan_peek(s, 0) == '`') {
		scan_advance(s, 1);
		end_command(s, scan_from(s, start));
		scan_pop(s);
	} else if (scan_is_meta(s, 0)) {
		step_operator(s);
	} else {
		word_begin(s);
	}
}

static void step_condition(struct shell_scan *s)
{
	if (step_word(s) || step_newline(s))
		return;
	if (scan_is_meta(s, 0))
		scan_advance(s, 1);
	else
		word_begin(s);
}

static void step_array(struct shell_scan *s)
{
	if (step_word(s) || step_newline(s))
		return;
	if (scan_peek(s, 0) == ')') {
		scan_advance(s, 1);
		scan_pop(s);
	} else if (scan_is_meta(s, 0)) {
		scan_give_up(s);
	} else {
		word_begin(s);
	}
}

static void (*const steps[])(struct shell_scan *) = {
	[KIND_TOP] = step_list,
	[KIND_PARENTHESES] = step_list,
	[KIND_DOLLAR] = step_list,
	[KIND_BACKQUOTES] = step_list,
	[KIND_PROCESS] = step_list,
	[KIND_CASE] = step_list,
	[KIND_CONDITION] = step_condition,
	[KIND_ARRAY] = step_array,
	[KIND_QUOTES] = quotes_step,
	[KIND_PARAMETER] = parameter_step,
	[KIND_ARITHMETIC] = arithmetic_step,
	[KIND_COMMAND] = arithmetic_step,
};

/* At the end of the text: the last word, the end of the last command, and here-documents
 * without their bodies, one after the other. */
static void finish(struct shell_scan *s)
{
	if (scan_top(s)->in_word && frame_has_words(scan_top(s))) {
		end_word(s);
	} else if (!s->has_ended) {
		s->has_ended = true;
		scan_emit(s, SHELL_CONTROL, scan_from(s, s->at));
	} else if (s->n_pending > 0) {
		here_document_read(s, 0);
	} else {
		scan_emit(s, SHELL_END, scan_from(s, s->at));
	}
}

void shell_scan_init(struct shell_scan *s, struct str text)
{
	/* Offsets from NULL are undefined, even 0. */
	*s = (struct shell_scan){.text = text.len > 0 ? text : STR("")};
	frame_init(s, KIND_TOP, 0);
}

const struct shell_token *shell_scan_next(struct shell_scan *s)
{
	s->has_token = false;
	while (!s->has_token) {
		if (s->are_bodies_due)
			here_document_read_due(s);
		else if (s->at == s->text.len)
			finish(s);
		else
			steps[scan_top(s)->kind](s);
	}
	return &s->token;
}

bool shell_scan_is_sound(const struct shell_scan *s)
{
	return !s->has_given_up && (s->depth == 0 || s->is_cut);
}
