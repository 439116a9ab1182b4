/* SPDX-License-Identifier: MIT
 * test_utf8.c - characters are found and measured in texts of any bytes.
 */
/* links: base */
#include <locale.h>

#include "base/utf8.h"
#include "tests/fake/cmocka_all.h"

static void test_length(void **state)
{
	static const struct {
		struct str text;
		size_t length;
	} rows[] = {
		{{"a", 1}, 1},
		{{"", 0}, 0},
		{{"\0", 1}, 1},
		{{"\xc3\xa4", 2}, 2},
		{{"\xc3\xa4", 1}, 0},	  /* cut */
		{{"\xc0\xaf", 2}, 0},	  /* longer than necessary */
		{{"\xe0\x80\xaf", 3}, 0}, /* the same */
		{{"\xed\xa0\x80", 3}, 0}, /* half of a surrogate pair */
		{{"\xef\xbf\xbd", 3}, 3},
		{{"\xf0\x9f\x98\x80", 4}, 4},
		{{"\xf4\x90\x80\x80", 4}, 0}, /* above U+10FFFF */
		{{"\x80", 1}, 0},
		{{"\xff", 1}, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(utf8_length(rows[i].text), rows[i].length);
}

static void test_next(void **state)
{
	struct str rest = STR("a\xff\xc3\xa4\xe6\xbc"), c;
	static const size_t lengths[] = {1, 1, 2, 1, 1};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		assert_true(utf8_next(&rest, &c));
		assert_int_equal(c.len, lengths[i]);
	}
	assert_false(utf8_next(&rest, &c));
}

static void test_columns(void **state)
{
	static const struct {
		struct str character;
		int columns;
	} rows[] = {
		{{"a", 1}, 1},
		{{"\t", 1}, -1},
		{{"\x7f", 1}, -1},
		{{"\xff", 1}, -1},
		{{"\xc2\x85", 2}, -1}, /* a control character of the upper half */
		{{"\xc3\xa4", 2}, 1},
		{{"\xe2\x82\xac", 3}, 1},
		{{"\xe6\xbc\xa2", 3}, 2},
		{{"\xf0\x9f\x98\x80", 4}, 2},
		{{"\xcc\x81", 2}, 0},		       /* a combining accent */
		{{"\xe2\x80\xae\xe2\x80\xac", 3}, -1}, /* right-to-left override */
		{{"", 0}, -1},
	};

	(void)state;
	/* Whatever the locale of the process. */
	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		size_t row = i % ARRAY_LEN(rows);

		assert_non_null(setlocale(LC_ALL, i < ARRAY_LEN(rows) ? "C" : "C.UTF-8"));
		assert_int_equal(utf8_columns(rows[row].character), rows[row].columns);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
