/* SPDX-License-Identifier: MIT
 * test_shell_large.c - the time to check scripts is linear in their length and number,
 * whatever they hold.
 */
/* links: check base */
#include "frontend/check/check.h"
#include "frontend/check/script_lint.h"
#include "frontend/def/parse.h"
#include "tests/fake/cmocka_all.h"

static void ignore(void *context, const struct script_finding *finding)
{
	(void)context;
	(void)finding;
}

/* So much of each that looking at all of it for each byte would not end within the test's
 * time limit. */
static void test_long_scripts(void **state)
{
	static const char *const parts[] = {
		"(",
		"((",
		"$(",
		"${a:-",
		"\"",
		"`",
		"'",
		"\\",
		"a ",
		"/tmp/a ",
		"cat /tmp/a/",
		"{a,",
		"<<A\n",
		"[[ ",
		"a=(",
		"@(",
		"$((",
		"case a in b) ",
		";;",
		"f() ",
		"a=(b)",
		"<(",
		"a[",
		"$a",
		"cat /tmp/a\n",
		"\"$(echo ",
		"<<'A' ",
		"\n",
		"}",
		"# ",
		"${#",
		"\t",
		"cp /tmp/a /tmp/b ",
		"aaaaaaaaaaaaaaaa",
		"/tmp/./././",
		"x=/tmp/b;",
		"\r\n",
		"$'\\'",
		"1>",
		"|& ",
		"echo -e {1..3} ",
		"case x in esac\n",
		"<<A <<B\nB\n",
	};
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct script_text script = {.shell = SHELL_IS_DASH};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		buf_clear(&text);
		while (text.len < MIB(2))
			buf_puts(&text, parts[i]);
		script.text = str_make(text.data, text.len);
		print_message("%s\n", parts[i]);
		script_lint(&script, ignore, NULL);
	}
}

/* So many scripts and files that looking at all of them for each one would not end within
 * the test's time limit. */
static void test_many_sections(void **state)
{
	const unsigned n = 150000;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(source_freep) struct source *source = NULL;
	CLEANUP(diag_list_freep) struct diag_list *diags = NULL;
	CLEANUP(build_args_freep) struct build_args *args = build_args_new();
	struct check_options options = {.host_fd = -1};
	struct definition *def = NULL;

	(void)state;
	buf_puts(&text, "Bootstrap: docker\nFrom: debian:12\n%files\n");
	for (unsigned i = 0; i < n; i++)
		buf_printf(&text, "/f /tmp/f%u\n", i);
	for (unsigned i = 0; i < n; i++)
		buf_printf(&text, "%%appinstall a%u\ncat /tmp/g%u\n%%post\ncat /tmp/h\n",
			   i, i);
	source = source_new("x.def", str_make(buf_text(&text), text.len));
	diags = diag_list_new(source, NULL);
	def_parse(source, args, arena, diags, &def);
	assert_non_null(def);
	check_definition(def, &options, diags);
	assert_int_equal(diag_count(diags, DIAG_ERROR), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_long_scripts),
		cmocka_unit_test(test_many_sections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
