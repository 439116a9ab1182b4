/* SPDX-License-Identifier: MIT
 * test_duration.c - durations, read and written.
 */
/* links: base */
#include "base/duration.h"
#include "tests/fake/cmocka_all.h"

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		uint64_t seconds;
	} rows[] = {
		{"0s", 0},	  {"90s", 90},
		{"15m", 900},	  {"12h", 43200},
		{"7d", 604800},	  {"2w", 1209600},
		{"007d", 604800}, {"366000d", UINT64_C(31622400000)},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t seconds = 1;

		assert_null(duration_parse(rows[i].text, &seconds));
		assert_int_equal(seconds, rows[i].seconds);
	}
}

/* Nothing is guessed: "7" might be days, and "1.5h" half an hour less. */
static void test_parse_mistakes(void **state)
{
	static const char *const rows[] = {
		"",
		"7",
		"d",
		"-7d",
		"7 d",
		"7D",
		"1.5h",
		"1d12h",
		"366001d",
		"18446744073709551615w",
		"18446744073709551616s",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t seconds = 42;
		struct err *e = duration_parse(rows[i], &seconds);

		assert_non_null(e);
		assert_int_equal(err_code(e), ERR_USAGE);
		assert_int_equal(seconds, 42);
		err_free(e);
	}
}

static void test_words(void **state)
{
	static const struct {
		uint64_t seconds;
		const char *text;
	} rows[] = {
		{0, "0 seconds"},    {1, "1 second"},	      {59, "59 seconds"},
		{60, "1 minute"},    {3599, "59 minutes"},    {7200, "2 hours"},
		{86399, "23 hours"}, {86400, "1 day"},	      {518400, "6 days"},
		{1123200, "1 week"}, {60480000, "100 weeks"},
	};
	char text[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		duration_in_words(rows[i].seconds, text, sizeof(text));
		assert_string_equal(text, rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_mistakes),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
