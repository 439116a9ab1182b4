/* SPDX-License-Identifier: MIT
 * script_bash.c - words of bash in scripts that /bin/sh runs.
 *
 * What each shell knows was tried with dash 0.5.12 (Debian 12, Ubuntu 24.04) and the ash
 * of BusyBox 1.35 with ASH_BASH_COMPAT, as in Alpine, which knows more.  "read -p" is in
 * both.  Where /bin/sh is bash, or is not known, the check says nothing.
 */
#include "base/buf.h"
#include "frontend/check/script_rules.h"

enum bashism {
	BASH_TEST,
	BASH_FUNCTION,
	BASH_SOURCE,
	BASH_ARRAY,
	BASH_ELEMENT,
	BASH_APPEND,
	BASH_PROCESS,
	BASH_OUTPUTS,
	BASH_APPEND_OUTPUTS,
	BASH_PIPE_OUTPUTS,
	BASH_HERE_STRING,
	BASH_ANSI_QUOTE,
	BASH_EQUALS,
	BASH_FOLDER_STACK,
	BASH_DECLARE,
	BASH_LET,
	BASH_SHOPT,
	BASH_SELECT,
	BASH_ARITHMETIC,
	BASH_FOR_ARITHMETIC,
	BASH_REPLACE,
	BASH_SUBSTRING,
	BASH_LETTER_CASE,
	BASH_INDIRECT,
	BASH_RANDOM,
	BASH_USER_ID,
	BASH_VARIABLE,
	BASH_PIPEFAIL,
	BASH_BRACES,
	BASH_ECHO,
	BASH_READ,
	BASH_TRAP,
	BASH_PRINTF,
	BASH_TYPE,
	BASH_EXPORT,
	N_BASHISMS,
};

_Static_assert(N_BASHISMS <= SCRIPT_MAX_BASHISMS, "see script_rules.h");

#define OF_BASH " is a bash feature: @ does not support it"
#define ARE_OF_BASH " are bash features: @ does not support them"
/* POSIX has had it since 2024, so newer versions will have it. */
#define NOT_YET_OF_DASH                                                                  \
	" is a bash feature: dash, the /bin/sh of Debian 12 and Ubuntu 24.04, does not " \
	"support it"

static const struct {
	const char *message, *hint;
	bool is_of_ash; /* ash accepts it */
} texts[] = {
	[BASH_TEST] = {"'[['" OF_BASH, "use '[ ... ]'", true},
	[BASH_FUNCTION] = {"'function'" OF_BASH, "write 'NAME() { ...; }'", true},
	[BASH_SOURCE] = {"'source'" OF_BASH, "use '. FILE', with a '/' in FILE", true},
	[BASH_ARRAY] = {"arrays" ARE_OF_BASH, "use 'set -- ...' and '\"$@\"'", false},
	[BASH_ELEMENT] = {"arrays" ARE_OF_BASH, "use 'set -- ...' and '\"$@\"'", false},
	[BASH_APPEND] = {"'+='" OF_BASH, "write 'NAME=\"${NAME}...\"'", false},
	[BASH_PROCESS] = {"'<(...)'" OF_BASH, "use a pipe, or a temporary file", true},
	[BASH_OUTPUTS] =
		{"@ reads '&>' as '&' and '>': the command runs in the background",
		 "write '> FILE 2>&1'", true},
	[BASH_APPEND_OUTPUTS] = {"'&>>'" OF_BASH, "write '>> FILE 2>&1'", false},
	[BASH_PIPE_OUTPUTS] = {"'|&'" OF_BASH, "write '2>&1 |'", false},
	[BASH_HERE_STRING] = {"'<<<'" OF_BASH, "use a here-document, or 'printf ... |'",
			      false},
	[BASH_ANSI_QUOTE] = {"'$'...''" NOT_YET_OF_DASH, "use 'printf'", true},
	[BASH_EQUALS] = {"'==' in a test" OF_BASH, "use '='", true},
	[BASH_FOLDER_STACK] = {"'pushd', 'popd' and 'dirs'" ARE_OF_BASH,
			       "use '( cd FOLDER && ... )'", false},
	[BASH_DECLARE] = {"'declare' and 'typeset'" ARE_OF_BASH, "write 'NAME=VALUE'",
			  false},
	[BASH_LET] = {"'let'" OF_BASH, "write 'NAME=$((...))'", true},
	[BASH_SHOPT] = {"'shopt'" OF_BASH, "run the part that needs it with bash", false},
	[BASH_SELECT] = {"'select'" OF_BASH, NULL, false},
	[BASH_ARITHMETIC] = {"'((...))' as a command" OF_BASH,
			     "use '[ ... ]', or 'NAME=$((...))'", false},
	[BASH_FOR_ARITHMETIC] = {"'for ((...))'" OF_BASH, "use 'while [ ... ]'", false},
	[BASH_REPLACE] = {"'${NAME/...}'" OF_BASH, "use 'sed'", true},
	[BASH_SUBSTRING] = {"'${NAME:...}'" OF_BASH,
			    "use 'cut', or '${NAME#...}' and '${NAME%...}'", true},
	[BASH_LETTER_CASE] = {"'${NAME^}' or '${NAME,}'" OF_BASH, "use 'tr'", false},
	[BASH_INDIRECT] = {"'${!NAME}'" OF_BASH, "use 'eval'", false},
	[BASH_RANDOM] = {"'$RANDOM' is a bash variable: in @ it is empty",
			 "use 'shuf', or '$(date +%N)'", true},
	[BASH_USER_ID] = {"this is a bash variable: in @ it is empty", "use '$(id -u)'",
			  false},
	[BASH_VARIABLE] = {"this is a bash variable: in @ it is empty", NULL, false},
	[BASH_PIPEFAIL] = {"'pipefail'" NOT_YET_OF_DASH,
			   "write the input of the pipe to a file first", true},
	[BASH_BRACES] = {"brace expansion, '{a,b}' or '{1..9}'," OF_BASH,
			 "write out all words, or use 'seq'", false},
	[BASH_ECHO] = {"@ has no 'echo -e': it prints '-e'", "use 'printf'", true},
	[BASH_READ] = {"@ does not support this option of 'read'", NULL, false},
	[BASH_TRAP] = {"@ has no trap for 'ERR', 'DEBUG' or 'RETURN'",
		       "use 'trap ... EXIT'", false},
	[BASH_PRINTF] = {"'printf -v'" OF_BASH, "write 'NAME=$(printf ...)'", false},
	[BASH_TYPE] = {"an option of 'type'" OF_BASH, "use 'command -v'", true},
	[BASH_EXPORT] = {"'export -f'" OF_BASH, "turn the function into a script", false},
};
TABLE_HAS_ALL(texts, N_BASHISMS);

static const struct {
	const char *name;
	enum bashism kind;
} commands[] = {
	{"[[", BASH_TEST},
	{"source", BASH_SOURCE},
	{"pushd", BASH_FOLDER_STACK},
	{"popd", BASH_FOLDER_STACK},
	{"dirs", BASH_FOLDER_STACK},
	{"declare", BASH_DECLARE},
	{"typeset", BASH_DECLARE},
	{"let", BASH_LET},
	{"shopt", BASH_SHOPT},
};

/* Options, as letters after one "-". */
static const struct {
	const char *name;
	const char *of_bash; /* letters */
	const char *of_ash;  /* those of them that ash knows, too */
	const char *of_both; /* letters that may stand before them */
	bool is_first;	     /* only the first argument is an option */
	bool is_exact;	     /* with another letter in it, the word is not an option */
	enum bashism kind;
} options[] = {
	{"echo", "e", "e", "nE", true, true, BASH_ECHO},
	{"read", "adeinNstu", "dnstu", "r", false, false, BASH_READ},
	{"printf", "v", "", "", true, false, BASH_PRINTF},
	{"type", "atpP", "atpP", "f", true, true, BASH_TYPE},
	{"export", "f", "", "np", true, true, BASH_EXPORT},
};

static const struct {
	const char *name;
	enum bashism kind;
} variables[] = {
	{"RANDOM", BASH_RANDOM},	{"UID", BASH_USER_ID},
	{"EUID", BASH_USER_ID},		{"BASH_SOURCE", BASH_VARIABLE},
	{"BASH_LINENO", BASH_VARIABLE}, {"BASH_REMATCH", BASH_VARIABLE},
	{"BASHPID", BASH_VARIABLE},	{"FUNCNAME", BASH_VARIABLE},
	{"PIPESTATUS", BASH_VARIABLE},	{"SECONDS", BASH_VARIABLE},
};

static void record(struct script_bash *b, enum bashism kind, struct str at)
{
	if (b->found[kind].len == 0)
		b->found[kind] = at;
}

static char char_at(struct str s, size_t i)
{
	return (char)(i < s.len ? s.data[i] : 0);
}

static bool char_is_in(char c, const char *set)
{
	return c != '\0' && str_find(str_of(set), c) < str_of(set).len;
}

/* ---- words ---- */

/* "A..B" with two numbers or two letters. */
static bool is_sequence(struct str s)
{
	size_t n = 0, first;

	n += char_at(s, n) == '-';
	first = n;
	while (char_is_in(char_at(s, n), "0123456789"))
		n++;
	if (n == first && shell_name_len(str_slice(s, 0, 1)) == 1)
		n++;
	return n > 0 && char_at(s, n) == '.' && char_at(s, n + 1) == '.' &&
	       char_at(s, n + 2) != '\0' && char_at(s, n + 2) != '.';
}

/* `s` begins with "{".  "{1,3}" is more likely part of a regular expression. */
static bool is_brace_expansion(struct str s)
{
	bool has_comma = false, has_text = false;
	size_t depth = 0, i;

	for (i = 0; i < s.len; i++) {
		char c = s.data[i];
		bool is_digit = c >= '0' && c <= '9';
		bool is_letter = shell_name_len(str_slice(s, i, i + 1)) == 1;

		if (!is_digit && !is_letter && !char_is_in(c, "{},.+-/*@%:"))
			return false;
		depth += c == '{';
		depth -= c == '}';
		if (depth == 0)
			break;
		has_comma = has_comma || (depth == 1 && c == ',');
		has_text = has_text || !char_is_in(c, "{},0123456789");
	}
	return i < s.len && ((has_comma && has_text) || is_sequence(str_slice(s, 1, i)));
}

static void check_options(struct script_bash *b, const struct shell_command *command,
			  struct str word)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		size_t n = 1;

		if (!str_is(command->name, options[i].name) ||
		    (options[i].is_first && command->n_arguments > 0))
			continue;
		while (char_is_in(char_at(word, n), options[i].of_both))
			n++;
		if (!char_is_in(char_at(word, n), options[i].of_bash) ||
		    (b->shell == SHELL_IS_ASH &&
		     char_is_in(char_at(word, n), options[i].of_ash)))
			continue;
		while (options[i].is_exact && n < word.len &&
		       (char_is_in(word.data[n], options[i].of_both) ||
			char_is_in(word.data[n], options[i].of_bash)))
			n++;
		if (!options[i].is_exact || n == word.len)
			record(b, options[i].kind, word);
	}
}

/* "(set -o pipefail) && set -o pipefail", and a test whether it works, are not
 * mistakes. */
static void check_pipefail(struct script_bash *b, const struct shell_command *command,
			   const struct shell_token *token)
{
	if (str_is(command->name, "grep") || token->level > 0)
		b->is_excused[BASH_PIPEFAIL] = true;
	else if (str_is(command->name, "set") &&
		 str_starts_with(command->previous, "-") &&
		 str_ends_with(command->previous, "o"))
		record(b, BASH_PIPEFAIL, token->text);
}

static void check_argument(struct script_bash *b, const struct shell_command *command,
			   const struct shell_token *token)
{
	struct str name = command->name, word = token->text;
	size_t name_len;

	if (str_starts_with(word, "-"))
		check_options(b, command, word);
	if (str_is(word, "pipefail"))
		check_pipefail(b, command, token);
	if (str_is(word, "==") && (str_is(name, "[") || str_is(name, "test")))
		record(b, BASH_EQUALS, word);
	if (str_is(word, "in") && str_is(name, "select") && command->n_arguments == 1)
		record(b, BASH_SELECT, name);
	if (str_is(name, "trap") && command->n_arguments > 0 &&
	    (str_is(word, "ERR") || str_is(word, "DEBUG") || str_is(word, "RETURN")))
		record(b, BASH_TRAP, word);
	/* curl expands such braces itself, and in assignments they are literal. */
	if (token->brace.len > 0 && !str_is(command->runs, "curl") &&
	    !shell_is_assignment(word, &name_len) && is_brace_expansion(token->brace))
		record(b, BASH_BRACES, word);
}

static void check_name(struct script_bash *b, struct str word)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (str_is(word, commands[i].name))
			record(b, commands[i].kind, word);
}

/* A variable that the script sets is its own. */
static void excuse_variables(struct script_bash *b, struct str word)
{
	size_t len = shell_name_len(word);
	char next = char_at(word, len);

	for (size_t i = 0; i < ARRAY_LEN(variables); i++)
		if ((next == '\0' || next == '=') &&
		    str_is(str_slice(word, 0, len), variables[i].name))
			b->is_excused[variables[i].kind] = true;
}

static void check_word(struct script_bash *b, const struct shell_command *command,
		       const struct shell_token *token)
{
	size_t name_len;

	excuse_variables(b, token->text);
	if (token->role == SHELL_NAME)
		check_name(b, token->text);
	else if (token->role == SHELL_ARGUMENT)
		check_argument(b, command, token);
	else if (token->role == SHELL_ASSIGNMENT &&
		 shell_is_assignment(token->text, &name_len) &&
		 char_at(token->text, name_len) == '+' &&
		 char_at(token->text, name_len + 2) != '(')
		record(b, BASH_APPEND, token->text);
}

/* ---- expansions ---- */

static bool asks_for_bash(struct str name)
{
	static const char *const names[] = {"BASH", "BASH_VERSION", "BASH_VERSINFO",
					    "ZSH_VERSION"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_is(name, names[i]))
			return true;
	return false;
}

static bool check_variable(struct script_bash *b, struct str name, struct str at)
{
	for (size_t i = 0; i < ARRAY_LEN(variables); i++)
		if (str_is(name, variables[i].name)) {
			record(b, variables[i].kind, at);
			return true;
		}
	return false;
}

/* What follows the name in "${NAME...}". */
static void check_operator(struct script_bash *b, char c, struct str at)
{
	if (c == '[')
		record(b, BASH_ELEMENT, at);
	else if (c == '/')
		record(b, BASH_REPLACE, at);
	else if (c == ':')
		record(b, BASH_SUBSTRING, at);
	else if (c == '^' || c == ',')
		record(b, BASH_LETTER_CASE, at);
}

/* `text` is "$NAME" or "${...}". */
static void check_expansion(struct script_bash *b, struct str text)
{
	bool has_brace = char_at(text, 1) == '{';
	struct str s = str_slice(text, has_brace ? 2 : 1, text.len);
	size_t n;
	char c;

	if (has_brace && shell_name_len(str_slice(s, 1, s.len)) > 0) {
		if (s.data[0] == '!') {
			record(b, BASH_INDIRECT, text);
			return;
		}
		if (s.data[0] == '#')
			s = str_slice(s, 1, s.len);
	}
	n = shell_name_len(s);
	b->asks_for_bash = b->asks_for_bash || asks_for_bash(str_slice(s, 0, n));
	while (n == 0 && char_is_in(char_at(s, 0), "@*123456789"))
		n++;
	c = char_at(s, n);
	/* With a default the script also works where the variable is empty. */
	if (char_is_in(c, "-=?+") || (c == ':' && char_is_in(char_at(s, n + 1), "-=?+")))
		return;
	if (n > 0 && has_brace && !check_variable(b, str_slice(s, 0, n), text))
		check_operator(b, c, text);
	else if (n > 0 && !has_brace)
		check_variable(b, s, text);
}

/* ---- the rest ---- */

static void check_redirect(struct script_bash *b, struct str text)
{
	if (str_is(text, "&>"))
		record(b, BASH_OUTPUTS, text);
	else if (str_is(text, "&>>"))
		record(b, BASH_APPEND_OUTPUTS, text);
	else if (str_ends_with(text, "<<<"))
		record(b, BASH_HERE_STRING, text);
}

/* A function of the script with the name of one of bash's commands. */
static void check_function(struct script_bash *b, const struct shell_command *command,
			   struct str name)
{
	if (str_is(command->name, "function"))
		record(b, BASH_FUNCTION, command->name);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (str_is(name, commands[i].name))
			b->is_excused[commands[i].kind] = true;
}

void script_bash_token(struct script_bash *b, const struct shell_command *command,
		       const struct shell_token *token)
{
	switch (token->kind) {
	case SHELL_WORD:
		check_word(b, command, token);
		break;
	case SHELL_EXPANSION:
		check_expansion(b, token->text);
		break;
	case SHELL_REDIRECT:
		check_redirect(b, token->text);
		break;
	case SHELL_FUNCTION:
		check_function(b, command, token->text);
		break;
	case SHELL_ANSI_QUOTE:
		record(b, BASH_ANSI_QUOTE, token->text);
		break;
	case SHELL_ARRAY:
		record(b, BASH_ARRAY, token->text);
		break;
	case SHELL_ARITHMETIC:
		record(b,
		       str_is(command->name, "for") ? BASH_FOR_ARITHMETIC
						    : BASH_ARITHMETIC,
		       token->text);
		break;
	case SHELL_OPEN:
		if (str_is(token->text, "<(") || str_is(token->text, ">("))
			record(b, BASH_PROCESS, token->text);
		break;
	case SHELL_CONTROL:
		if (str_is(token->text, "|&"))
			record(b, BASH_PIPE_OUTPUTS, token->text);
		break;
	case SHELL_END:
	case SHELL_HERE_DOCUMENT:
		break;
	}
}

/* `@` stands for the shell. */
static void put_message(const char *message, enum shell_kind shell, struct buf *out)
{
	const char *name = shell == SHELL_IS_ASH
				   ? "ash, the /bin/sh of Alpine,"
				   : "dash, the /bin/sh of Debian and Ubuntu,";

	for (; *message; message++)
		if (*message == '@')
			buf_puts(out, name);
		else
			buf_putc(out, *message);
}

void script_bash_report(const struct script_bash *b, script_report report, void *context)
{
	for (size_t i = 0; i < N_BASHISMS && !b->asks_for_bash; i++) {
		CLEANUP(buf_release) struct buf message = BUF_INIT;
		struct script_finding finding = {
			.code = "bashism", .at = b->found[i], .hint = texts[i].hint};

		if (b->found[i].len == 0 || b->is_excused[i] ||
		    (b->shell == SHELL_IS_ASH && texts[i].is_of_ash))
			continue;
		put_message(texts[i].message, b->shell, &message);
		finding.message = buf_text(&message);
		report(context, &finding);
	}
}
