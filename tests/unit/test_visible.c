/* SPDX-License-Identifier: MIT
 * test_visible.c - whatever strangers write, none of it steers what shows it.
 */
/* links: base */
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/utf8.h"
#include "base/visible.h"
#include "tests/fake/cmocka_all.h"

struct row {
	const char *given, *expected;
};

typedef void make_visible(struct buf *out, struct str text);

static void check_rows(make_visible *make, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		CLEANUP(buf_release) struct buf out = BUF_INIT;

		buf_puts(&out, "before ");
		make(&out, str_of(rows[i].given));
		assert_string_equal(buf_text(&out) + strlen("before "), rows[i].expected);
	}
}

static void test_line(void **state)
{
	static const struct row rows[] = {
		{"plain", "plain"},
		{"a\tb\nc\rd\ve\ff", "a b c d e f"},
		{"\033[31mred", "?[31mred"},
		{"\001\a\b\177", "????"},
		{"\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0", "???\xc2\xa0"},
		{"\x80\x9b\xff\xc3", "????"},
		{"\xd8\x9c|\xe2\x80\x8e|\xe2\x80\x8f", "?|?|?"},
		{"\xe2\x80\xa8|\xe2\x80\xa9|\xe2\x80\xaa|\xe2\x80\xae", "?|?|?|?"},
		{"\xe2\x81\xa6|\xe2\x81\xa9", "?|?"},
		{"\xc3\xa4\xe6\xbc\xa2\xf0\x9f\x98\x80",
		 "\xc3\xa4\xe6\xbc\xa2\xf0\x9f\x98\x80"},
		/* The parts of an emoji belong together. */
		{"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80",
		 "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80"},
	};
	CLEANUP(buf_release) struct buf out = BUF_INIT;

	(void)state;
	check_rows(visible_line, rows, ARRAY_LEN(rows));
	visible_line(&out, str_make("a\0b", 3));
	assert_string_equal(buf_text(&out), "a?b");
}

static void test_lines(void **state)
{
	static const struct row rows[] = {
		{"a\tb\nc\r\n\033[2J\n", "a\tb\nc \n?[2J\n"},
	};

	(void)state;
	check_rows(visible_lines, rows, ARRAY_LEN(rows));
}

static void test_output(void **state)
{
	static const struct row rows[] = {
		{"plain\ttext", "plain\ttext"},
		/* CSI */
		{"\033[1;31mred\033[0m", "red"},
		{"a\033[?25lb\033[2 qc\033[>4;1md", "abcd"},
		{"\033[38;5;1", ""},
		{"\033[12\xc3\xa4", "\xc3\xa4"},
		{"\xc2\x9b"
		 "31mred",
		 "red"},
		/* strings: OSC, DCS, SOS, PM, APC, a title */
		{"\033]0;title\aafter", "after"},
		{"\033]8;;http://x\033\\link\033]8;;\033\\", "link"},
		{"a\033P+q544e\033\\b", "ab"},
		{"a\033_Gf=100;AAAA\033\\b", "ab"},
		{"a\033^x\033\\b\033Xx\033\\c\033kname\033\\d", "abcd"},
		{"a\xc2\x9d"
		 "0;t\xc2\x9c"
		 "b\xc2\x90x\033\\c",
		 "abc"},
		{"a\033]0;never ended", "a"},
		{"a\033]0;given up\030b", "ab"},
		/* two and three bytes */
		{"\033(0lqqk\033(B", "lqqk"},
		{"\033#8a\033 Fb\033%Gc", "abc"},
		{"\0337a\0338b\033cd\033=e", "abde"},
		{"a\033", "a"},
		{"a\033(", "a"},
		{"a\033\033[1mb", "ab"},
		{"a\033\xc3\xa4", "a\xc3\xa4"},
		/* other controls */
		{"\a\b\001x\177\xc2\x85y", "xy"},
		{"abc\b\b\bXYZ", "abcXYZ"},
		{"\x9b"
		 "31m\xff",
		 "?31m?"},
		{"\xe2\x80\xaegnp.exe", "?gnp.exe"},
		/* over what is already there */
		{"10%\r50%\r100%", "100%"},
		{"all of it\r", "all of it"},
		{"line\r\r", "line"},
		{"10%\r\033[Kdone", "done"},
	};

	(void)state;
	check_rows(visible_output, rows, ARRAY_LEN(rows));
}

static void test_json(void **state)
{
	static const struct row rows[] = {
		{"{\"a\":\"b\\u001b\"}", "{\"a\":\"b\\u001b\"}"},
		{"{\n\t\"\xc3\xa4\": [1]\n}", "{\n\t\"\xc3\xa4\": [1]\n}"},
		{"\"\xc2\x9b\177\xe2\x80\xae\xd8\x9c\"",
		 "\"\\u009b\\u007f\\u202e\\u061c\""},
		{"\"\xff\xe2\x80\"", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
	};

	(void)state;
	check_rows(visible_json, rows, ARRAY_LEN(rows));
}

/* A reader of our JSON gets back the text that was put in. */
static void test_json_string(void **state)
{
	static const char text[] = "\033[1m\xc2\x9b\xe2\x80\xae\"\\\n\t\177\xc3\xa4";
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	CLEANUP(json_freep) cJSON *tree = NULL;

	(void)state;
	buf_json_string(&out, text, strlen(text));
	assert_string_equal(buf_text(&out),
			    "\"\\u001b[1m\\u009b\\u202e\\\"\\\\\\n\\t\\u007f\xc3\xa4\"");
	assert_ok(json_parse(str_make(buf_text(&out), out.len), &tree));
	assert_string_equal(cJSON_GetStringValue(tree), text);
}

/* Only we make the lines of an error: a stranger's text adds none, and steers nothing. */
static void test_error(void **state)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct err *e = err_new(ERR_CORRUPT, "media type '%s'", "x\033[31m\nerror: y");

	(void)state;
	e = err_attach(err_wrap(e, "tag '%s'", "\xc2\x9b\xe2\x80\xae"),
		       err_new(ERR_SYS, "and '%s'", "\a"));
	e = err_hint(err_where(e, "a\033b.def:1:1"), "first '%s'\nsecond", "\x9b");
	err_render(e, &out);
	assert_string_equal(buf_text(&out), "error: a?b.def:1:1: tag '?"
					    "?'\n"
					    "  because: media type 'x?[31m error: y'\n"
					    "  also: and '?'\n"
					    "  hint: first '?'\n"
					    "        second\n");
	err_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line),	    cmocka_unit_test(test_lines),
		cmocka_unit_test(test_output),	    cmocka_unit_test(test_json),
		cmocka_unit_test(test_json_string), cmocka_unit_test(test_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
