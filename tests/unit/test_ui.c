/* SPDX-License-Identifier: MIT
 * test_ui.c - the parts of the display: texts in columns, transfers, the summary.
 */
/* links: ui engine */
#include "frontend/ui/activity.h"
#include "frontend/ui/screen_text.h"
#include "frontend/ui/summary.h"
#include "tests/fake/cmocka_all.h"

/* ---- text for terminals ---- */

static void test_cut(void **state)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(screen_text_cut(&out, STR("\xc3\xa4\xc3\xb6\xc3\xbcx"), 3), 3);
	assert_string_equal(buf_text(&out), "\xc3\xa4\xc3\xb6\xc3\xbc");
	buf_clear(&out);
	/* Two columns each: the second would not fit into three. */
	assert_int_equal(screen_text_cut(&out, STR("\xe6\xbc\xa2\xe5\xad\x97"), 3), 2);
	assert_string_equal(buf_text(&out), "\xe6\xbc\xa2");
}

static void test_fit(void **state)
{
	static const struct {
		const char *text;
		size_t columns, used;
		const char *expected;
	} rows[] = {
		{"short", 5, 5, "short"},
		{"some-long-name", 9, 9, "some..ame"},
		{"some-long-name", 4, 4, "so.."},
		{"some-long-name", 3, 3, "s.."},
		{"some-long-name", 2, 2, ".."},
		{"some-long-name", 1, 1, "."},
		{"some-long-name", 0, 0, ""},
		{"", 4, 0, ""},
		/* Wide characters may leave a column free, combining ones take none. */
		{"\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97", 7, 6,
		 "\xe6\xbc\xa2..\xe5\xad\x97"},
		{"e\xcc\x81tude", 5, 5, "e\xcc\x81tude"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(buf_release) struct buf out = BUF_INIT;

		assert_int_equal(
			screen_text_fit(&out, str_of(rows[i].text), rows[i].columns),
			rows[i].used);
		assert_string_equal(buf_text(&out), rows[i].expected);
	}
}

static void test_summary(void **state)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct summary s = {6, 2, 4, 1500000000, "/x/lab3.sif", NULL, 2150400, NULL};

	(void)state;
	summary_render(&s, &out);
	assert_string_equal(buf_text(&out),
			    "/x/lab3.sif (2.2 MB): 2 steps built, 4 reused, in 1.5s\n");
	buf_clear(&out);
	s.cached = 6;
	summary_render(&s, &out);
	assert_string_equal(buf_text(&out),
			    "nothing has changed: /x/lab3.sif is up to date (1.5s)\n");
	buf_clear(&out);
	s = (struct summary){6, 1, 0, 1500000000, NULL, "build.post", 0, NULL};
	summary_render(&s, &out);
	assert_string_equal(buf_text(&out),
			    "build.post: 1 step built, 0 reused, in 1.5s\n");
	buf_clear(&out);
	s.sources = "1 base from x.def.lock";
	summary_render(&s, &out);
	assert_string_equal(buf_text(&out),
			    "build.post: 1 step built, 0 reused, in 1.5s; "
			    "1 base from x.def.lock\n");
}

/* ---- how far, how fast, how long still ---- */

static const uint64_t S = 1000000000;

static void check_activity(const struct activity *a, uint64_t now_ns, size_t columns,
			   const char *expected)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;

	activity_describe(a, now_ns, columns, &out);
	assert_string_equal(buf_text(&out), expected);
}

static void test_activity(void **state)
{
	struct activity a = {0};

	(void)state;
	check_activity(&a, S, 80, "");
	/* It begins where an earlier transfer broke off: that is not speed. */
	activity_update(&a, "downloading", MIB(50), MIB(100), 10 * S);
	check_activity(&a, 10 * S, 80, "downloading 50% of 104.9 MB");
	for (unsigned i = 1; i <= 40; i++)
		activity_update(&a, "downloading", MIB(50) + i * 500000, MIB(100),
				10 * S + i * S / 10);
	assert_int_equal(activity_rate(&a, 14 * S), 5000000);
	check_activity(&a, 14 * S, 80, "downloading 69% of 104.9 MB, 5.0 MB/s, 7s left");
	/* Parts are dropped one after the other. */
	check_activity(&a, 14 * S, 45, "69% of 104.9 MB, 5.0 MB/s, 7s left");
	check_activity(&a, 14 * S, 30, "69%, 5.0 MB/s, 7s left");
	check_activity(&a, 14 * S, 15, "69%, 7s left");
	check_activity(&a, 14 * S, 8, "69%");
	check_activity(&a, 14 * S, 0, "69%");
	/* Nothing arrives any more: the earlier rate is forgotten. */
	assert_in_range(activity_rate(&a, 16 * S), 2500000, 4000000);
	assert_int_equal(activity_rate(&a, 20 * S), 0);
	check_activity(&a, 20 * S, 80, "downloading 69% of 104.9 MB");
	/* A restart, another activity, one of unknown size, one with a wrong size. */
	activity_update(&a, "downloading", 0, MIB(100), 21 * S);
	check_activity(&a, 21 * S, 80, "downloading 0% of 104.9 MB");
	activity_update(&a, "copying", 0, 0, 22 * S);
	activity_update(&a, "copying", 3000000, 0, 23 * S);
	check_activity(&a, 23 * S, 80, "copying 3.0 MB, 3.0 MB/s");
	activity_update(&a, "packing", UINT64_MAX, 10, 24 * S);
	check_activity(&a, 24 * S, 80, "packing 100% of 10 B");
}

static void test_rate_window(void **state)
{
	struct activity a = {0};

	(void)state;
	/* Slow for a minute, then fast for ten seconds. */
	for (unsigned i = 0; i <= 600; i++)
		activity_update(&a, "downloading", (uint64_t)i * 100, GIB(1), i * S / 10);
	for (unsigned i = 1; i <= 100; i++)
		activity_update(&a, "downloading", 60000 + (uint64_t)i * 1000000, GIB(1),
				60 * S + i * S / 10);
	assert_in_range(activity_rate(&a, 70 * S), 9900000, 10100000);
	/* An hour and more. */
	activity_update(&a, "unpacking", 0, GIB(100), 80 * S);
	activity_update(&a, "unpacking", MIB(10), GIB(100), 81 * S);
	check_activity(&a, 81 * S, 80, "unpacking 0% of 107.4 GB, 10.5 MB/s, 2h50m left");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut),	    cmocka_unit_test(test_fit),
		cmocka_unit_test(test_summary),	    cmocka_unit_test(test_activity),
		cmocka_unit_test(test_rate_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
