/* SPDX-License-Identifier: MIT
 * test_options.c - command lines as users write them, right and wrong.
 */
/* links: options */
#include <stdlib.h>
#include <string.h>

#include "frontend/options/options.h"
#include "tests/fake/cmocka_all.h"

struct seen {
	struct buf seen; /* "flag;jobs=8;" */
};

static struct err *see(void *settings, const char *name, const char *value)
{
	struct seen *s = settings;

	buf_printf(&s->seen, "%s%s%s;", name, value ? "=" : "", value ? value : "");
	return NULL;
}

static struct err *set_flag(void *settings, const char *value)
{
	return see(settings, "flag", value);
}

static struct err *set_jobs(void *settings, const char *value)
{
	if (strcmp(value, "many") == 0)
		return err_new(ERR_USAGE, "'many' is not a number");
	return see(settings, "jobs", value);
}

static struct err *set_skip(void *settings, const char *value)
{
	return see(settings, "skip", value);
}

static const struct option_row rows[] = {
	{'f', "flag", NULL, "a flag", set_flag, 1},
	{'j', "jobs", "N", "how many", set_jobs, 0},
	{'s', "skip", "[=STAGE[.STEP]]", "with a value or without", set_skip, 0},
	{'q', "quiet", NULL, "a bit alone", NULL, 4},
	{0},
};

/* A command line of words separated by blanks: what was set, then the operands in
 * brackets, or "error: TEXT (HINT)"; for free(). */
static char *parse(const char *line)
{
	CLEANUP(freep) char *text = xstrdup(line);
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct seen settings = {BUF_INIT};
	struct operands operands = {0};
	char *argv[16], *rest = text;
	const char *word;
	struct err *e;
	int argc = 0;

	while ((word = strsep(&rest, " ")) != NULL)
		if (word[0])
			argv[argc++] = (char *)word;
	e = options_parse(rows, argc, argv, &settings, &operands);
	if (e)
		buf_printf(&out, "error: %s%s%s%s", err_text(e),
			   err_advice(e) ? " (" : "", err_advice(e) ? err_advice(e) : "",
			   err_advice(e) ? ")" : "");
	else
		buf_puts(&out, buf_text(&settings.seen));
	for (size_t i = 0; !e && i < operands.len; i++)
		buf_printf(&out, "[%s]", operands.items[i]);
	if (!e && operands.used > 1)
		buf_printf(&out, " used %u", operands.used);
	err_free(e);
	free(operands.items);
	buf_release(&settings.seen);
	return buf_steal(&out);
}

static void check_rows(const char *const cases[][2], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		CLEANUP(freep) char *got = parse(cases[i][0]);

		assert_string_equal(got, cases[i][1]);
	}
}

static void test_words(void **state)
{
	static const char *const cases[][2] = {
		{"--flag x.def", "flag;[x.def]"},
		{"x.def -f", "flag;[x.def]"},
		{"-j8 x.def", "jobs=8;[x.def]"},
		{"-j 8", "jobs=8;"},
		{"--jobs=8", "jobs=8;"},
		{"--jobs 8 y", "jobs=8;[y]"},
		{"-fj8", "flag;jobs=8;"},
		{"-- --flag -f", "[--flag][-f]"},
		{"-", "[-]"},
		{"--jobs=", "jobs=;"},
	};

	(void)state;
	check_rows(cases, ARRAY_LEN(cases));
}

/* The next word is never the value of an option whose value is optional: it is the
 * file. */
static void test_optional_value(void **state)
{
	static const char *const cases[][2] = {
		{"--skip x.def", "skip;[x.def]"},
		{"--skip", "skip;"},
		{"--skip=build x.def", "skip=build;[x.def]"},
		{"--skip=build.post --skip=final", "skip=build.post;skip=final;"},
		{"--skip --flag", "skip;flag;"},
		{"-s x.def", "skip;[x.def]"},
		{"-sbuild x.def", "skip=build;[x.def]"},
		{"-fs x.def", "flag;skip;[x.def]"},
		{"--skip=", "skip=;"},
	};

	(void)state;
	check_rows(cases, ARRAY_LEN(cases));
}

/* The bits of the rows tell which options were given, whatever their order. */
static void test_uses(void **state)
{
	static const char *const cases[][2] = {
		{"--quiet x.def", "[x.def] used 4"},
		{"-qj8", "jobs=8; used 4"},
		{"-fq", "flag; used 5"},
		{"-- --quiet", "[--quiet]"},
	};

	(void)state;
	check_rows(cases, ARRAY_LEN(cases));
}

static void test_mistakes(void **state)
{
	static const char *const cases[][2] = {
		{"--flog", "error: unknown option '--flog' (did you mean '--flag'?)"},
		{"--skp=build", "error: unknown option '--skp' (did you mean '--skip'?)"},
		{"--flag=1", "error: option '--flag' takes no value"},
		{"--jobs", "error: option '--jobs' needs a value"},
		{"-j", "error: option '-j' needs a value"},
		{"-x", "error: unknown option '-x'"},
		{"--jobs many", "error: option '--jobs'"},
	};

	(void)state;
	check_rows(cases, ARRAY_LEN(cases));
}

static void test_help(void **state)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;

	(void)state;
	options_help(rows, &out);
	assert_string_equal(buf_text(&out),
			    "  -f, --flag                    a flag\n"
			    "  -j, --jobs N                  how many\n"
			    "  -s, --skip[=STAGE[.STEP]]     with a value or without\n"
			    "  -q, --quiet                   a bit alone\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words), cmocka_unit_test(test_optional_value),
		cmocka_unit_test(test_uses),  cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
