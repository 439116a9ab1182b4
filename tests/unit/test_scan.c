/* SPDX-License-Identifier: MIT
 * test_scan.c - blanks are Go's, lines end in LF or CR LF, placeholders are found as Go's
 * expression finds them.
 */
/* links: def */
#include <string.h>

#include "frontend/def/scan.h"
#include "tests/fake/cmocka_all.h"

static void test_trim(void **state)
{
	static const char *const rows[][2] = {
		{"", ""},
		{" \t\v\f\r x y \n", "x y"},
		{"\xc2\xa0x\xe3\x80\x80", "x"},	    /* no-break, ideographic */
		{"\xe2\x80\x89x\xe2\x80\xa8", "x"}, /* thin, line separator */
		{"\xe2\x80\x8bx", "\xe2\x80\x8bx"}, /* zero width: not a blank */
		{"x\x85", "x\x85"},		    /* not UTF-8 */
		{"\xc2\x85", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_true(str_is(scan_trim(str_of(rows[i][0])), rows[i][1]));
}

static void test_lines(void **state)
{
	static const char *const wanted[] = {"a", "", "b\rc", "", "last"};
	struct str rest = STR("a\r\n\nb\rc\n\r\nlast"), line;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		assert_true(scan_line(&rest, &line));
		assert_true(str_is(line, wanted[i]));
	}
	assert_false(scan_line(&rest, &line));
	assert_true(scan_is_section(STR("\xc2\xa0 %x")));
	assert_false(scan_is_section(STR("x %y")));
}

static void test_placeholders(void **state)
{
	static const char *const rows[][3] = {
		{"{{ a }}", "{{ a }}", "a"},
		{"x{{_9}}y", "{{_9}}", "_9"},
		{"{{{ a }}}", "{{ a }}", "a"},
		{"{{\n\ta\r\n}}", "{{\n\ta\r\n}}", "a"},
		{"{{ a-b }} {{c}}", "{{c}}", "c"},
		{"{{ a {{ b }}", "{{ b }}", "b"},
		{"{{}}{{ }}{ {a}}{{a} }{{\va}}{{ä}}", NULL, NULL},
		{"{{ a }", NULL, NULL},
		{"{{", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct scan_placeholder found;

		if (!rows[i][1]) {
			assert_false(scan_placeholder(str_of(rows[i][0]), &found));
			continue;
		}
		assert_true(scan_placeholder(str_of(rows[i][0]), &found));
		assert_true(str_is(found.all, rows[i][1]));
		assert_true(str_is(found.name, rows[i][2]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trim),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_placeholders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
