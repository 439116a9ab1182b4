/* SPDX-License-Identifier: MIT
 * test_diag.c - diagnostics are collected, dropped and shown as they should, whatever the
 * file and its name hold.
 */
/* links: def */
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "frontend/def/diag.h"
#include "tests/fake/cmocka_all.h"

/* Where `what` is in the text. */
static struct span span_of(const struct source *source, const char *what)
{
	const char *text = source_text(source).data, *at = strstr(text, what);

	assert_non_null(at);
	return (struct span){(uint32_t)(at - text),
			     (uint32_t)(at - text + (long)strlen(what))};
}

static char *text_of(struct diag_list *l, const char *format)
{
	struct buf out = BUF_INIT;

	diag_format_find(format)->write(l, &out);
	return buf_steal(&out);
}

/* ---- which are kept ---- */

static void test_sorted(void **state)
{
	CLEANUP(source_freep)
	struct source *source = source_new("x.def", STR("a\nb\nc\n"));
	CLEANUP(source_freep) struct source *line = source_new("--build-arg", STR("X=1"));
	CLEANUP(diag_list_freep) struct diag_list *l = diag_list_new(source, NULL);
	CLEANUP(freep) char *text = NULL;
	struct diag *d;

	(void)state;
	diag_hint(diag_add_in(l, line, DIAG_UNUSED_ARGUMENT, DIAG_WARNING,
			      (struct span){0, 1}, "no stage uses '%s'", "X"),
		  "write '{{ X }}'");
	diag_add(l, DIAG_CRLF, span_of(source, "c"), "third");
	d = diag_add(l, DIAG_UNKNOWN_STAGE, span_of(source, "b"), "second");
	diag_note(d, span_of(source, "a"), "the first line is here");
	diag_add(l, DIAG_CRLF, span_of(source, "a"), "first");
	diag_add(l, DIAG_FLOATING_TAG, span_of(source, "c"), "fourth");
	text = text_of(l, "text");
	assert_string_equal(text, "x.def:1:1: warning: first [crlf]\n"
				  "    1 | a\n"
				  "      | ^\n"
				  "x.def:2:1: error: second [unknown-stage]\n"
				  "    2 | b\n"
				  "      | ^\n"
				  "x.def:1:1: note: the first line is here\n"
				  "x.def:3:1: warning: third [crlf]\n"
				  "    3 | c\n"
				  "      | ^\n"
				  "x.def:3:1: warning: fourth [floating-tag]\n"
				  "    3 | c\n"
				  "      | ^\n"
				  "--build-arg:1:1: warning: no stage uses 'X' "
				  "[unused-argument]\n"
				  "    1 | X=1\n"
				  "      | ^ write '{{ X }}'\n");
	assert_int_equal(diag_count(l, DIAG_ERROR), 1);
	assert_int_equal(diag_count(l, DIAG_WARNING), 4);
}

/* The first ones by place are shown, in whatever order they arrive. */
static void test_many(void **state)
{
	enum { LINES = 1000 };
	CLEANUP(buf_release) struct buf lines = BUF_INIT;
	CLEANUP(source_freep) struct source *source = NULL;
	CLEANUP(diag_list_freep) struct diag_list *l = NULL;
	CLEANUP(freep) char *text = NULL, *json = NULL, *sarif = NULL;
	CLEANUP(json_freep) cJSON *tree = NULL;
	uint64_t number = 0;
	size_t shown = 0;

	(void)state;
	for (size_t i = 0; i < LINES; i++)
		buf_puts(&lines, "x\n");
	source = source_new("x.def", str_make(lines.data, lines.len));
	l = diag_list_new(source, NULL);
	for (uint32_t i = 0; i < LINES; i++) {
		uint32_t at = 2 * (i * 7 % LINES);

		diag_add(l, DIAG_UNKNOWN_HEADER, (struct span){at, at + 1}, "%u", at / 2);
	}
	diag_add(l, DIAG_CRLF, (struct span){0, 1}, "a warning");
	text = text_of(l, "text");
	for (const char *c = text; (c = strstr(c, "error:")); c++)
		shown++;
	assert_int_equal(shown, DIAG_SHOWN);
	assert_non_null(strstr(text, "x.def:20:1: error: 19 "));
	assert_null(strstr(text, "x.def:21:1"));
	assert_non_null(strstr(text, "a warning"));
	assert_non_null(strstr(text, "x.def: 980 more errors are not shown\n"));
	assert_int_equal(diag_count(l, DIAG_ERROR), LINES);

	json = text_of(l, "json");
	assert_ok(json_parse(str_of(json), &tree));
	assert_int_equal(cJSON_GetArraySize(json_array(tree, "diagnostics")),
			 DIAG_SHOWN + 1);
	assert_true(json_u64(json_object(tree, "total"), "errors", &number));
	assert_int_equal(number, LINES);
	assert_true(json_u64(json_object(tree, "not_shown"), "errors", &number));
	assert_int_equal(number, LINES - DIAG_SHOWN);
	sarif = text_of(l, "sarif");
	assert_non_null(strstr(sarif, "\"980 more errors and 0 more warnings are not"));
}

static void test_allow(void **state)
{
	static const char text[] = "# dagbuild: allow crlf\none\n"
				   "  #dagbuild: allow floating-tag, crlf  \n\ttwo\n"
				   "# dagbuild: allow floating-tag\nthree\n"
				   "# dagbuild: allow crlf\n\nfour\n"
				   "# dagbuild: allow unknown-stage\nfive\n"
				   "# dagbuild: allow missing-source\nsix\n";
	static const struct {
		const char *at;
		enum diag_code code;
		bool is_shown;
	} rows[] = {
		{"one", DIAG_CRLF, false},	     {"two", DIAG_CRLF, false},
		{"three", DIAG_CRLF, true},	     {"four", DIAG_CRLF, true},
		{"five", DIAG_UNKNOWN_STAGE, true}, /* cannot be */
		{"six", DIAG_MISSING_SOURCE, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(source_freep)
		struct source *source = source_new("x.def", str_of(text));
		CLEANUP(diag_list_freep)
		struct diag_list *l = diag_list_new(source, NULL);
		struct diag *d = diag_add(l, rows[i].code, span_of(source, rows[i].at),
					  "%s", rows[i].at);

		/* Also for one that is dropped. */
		diag_note(d, (struct span){0, 0}, "note");
		diag_hint(d, "hint");
		assert_int_equal(diag_count(l, DIAG_ERROR) + diag_count(l, DIAG_WARNING),
				 rows[i].is_shown);
	}
}

static void test_options(void **state)
{
	CLEANUP(source_freep) struct source *source = source_new("x.def", STR("a\n"));
	struct diag_options options = {.werror = true};
	CLEANUP(diag_list_freep) struct diag_list *l = NULL;
	CLEANUP(freep) char *text = NULL;

	(void)state;
	options.disabled[DIAG_FLOATING_TAG] = true;
	options.disabled[DIAG_UNKNOWN_STAGE] = true; /* has no effect */
	options.disabled[DIAG_MISSING_SOURCE] = true;
	l = diag_list_new(source, &options);
	diag_add(l, DIAG_CRLF, (struct span){0, 1}, "a warning");
	diag_add(l, DIAG_FLOATING_TAG, (struct span){0, 1}, "none");
	diag_add(l, DIAG_MISSING_SOURCE, (struct span){0, 1}, "none");
	diag_add(l, DIAG_UNKNOWN_STAGE, (struct span){0, 1}, "an error");
	assert_int_equal(diag_count(l, DIAG_ERROR), 2);
	assert_int_equal(diag_count(l, DIAG_WARNING), 0);
	text = text_of(l, "text");
	assert_non_null(strstr(text, "error: a warning [crlf]"));
	assert_null(strstr(text, "none"));
}

static void test_codes(void **state)
{
	enum diag_code code = DIAG_CODES;

	(void)state;
	for (unsigned i = 0; i < DIAG_CODES; i++) {
		const struct diag_code_info *info = diag_code_info((enum diag_code)i);

		assert_true(diag_code_find(str_of(info->name), &code));
		assert_int_equal(code, i);
		assert_string_equal(diag_code_nearest(str_of(info->name)), info->name);
		assert_false(info->summary[0] >= 'a' && info->summary[0] <= 'z');
		assert_true(info->summary[strlen(info->summary) - 1] != '.');
	}
	assert_false(diag_code_find(STR("crl"), &code));
	assert_string_equal(diag_code_nearest(STR("crl")), "crlf");
	assert_null(diag_code_nearest(STR("something else")));
	assert_null(diag_format_find("xml"));
}

/* ---- text ---- */

/* The line and the carets' line for bytes `start` to `end` of the text. */
static char *snippet(const char *text, uint32_t start, uint32_t end)
{
	CLEANUP(source_freep) struct source *source = source_new("x", str_of(text));
	CLEANUP(diag_list_freep) struct diag_list *l = diag_list_new(source, NULL);
	CLEANUP(freep) char *all = NULL;

	diag_add(l, DIAG_UNKNOWN_STAGE, (struct span){start, end}, "t");
	all = text_of(l, "text");
	return xstrdup(strchr(all, '\n') + 1);
}

static void test_carets(void **state)
{
	static const struct {
		const char *text;
		uint32_t start, end;
		const char *line, *carets;
	} rows[] = {
		{"abc", 1, 3, "abc", " ^~"},
		{"abc", 1, 1, "abc", " ^"},	      /* an empty span */
		{"abc", 2, 1, "abc", "  ^"},	      /* a reversed one */
		{"abc", 3, 3, "abc", "   ^"},	      /* the end of the file */
		{"abc", 9, 12, "abc", "   ^"},	      /* behind it */
		{"abc\n", 3, 4, "abc", "   ^"},	      /* a line's end */
		{"abc\r\nd", 3, 5, "abc", "   ^"},    /* the same, with CR */
		{"abc\ndef", 1, 6, "abc", " ^~"},     /* two lines */
		{"", 0, 0, "", "^"},		      /* nothing at all */
		{"\ta\tb", 1, 4, "\ta\tb", "\t^\t~"}, /* tabs keep step */
		{"\tb", 0, 2, "\tb", "^~"},
		{"\xc3\xa4\xc3\xb6x", 2, 4, "\xc3\xa4\xc3\xb6x", " ^"},
		{"\xe6\xbc\xa2\xe5\xad\x97z", 3, 7, "\xe6\xbc\xa2\xe5\xad\x97z", "  ^~~"},
		{"\xe6\xbc\xa2z", 0, 3, "\xe6\xbc\xa2z", "^~"}, /* two columns wide */
		{"e\xcc\x81x", 3, 4, "e\xcc\x81x", " ^"},	/* a combining accent */
		{"\xff\x1b[1mx", 5, 6, "??[1mx", "     ^"},
		{"\xe2\x80\xaex\xe2\x80\xac", 3, 4, "?x?",
		 " ^"}, /* right-to-left override */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(freep)
		char *got = snippet(rows[i].text, rows[i].start, rows[i].end);
		CLEANUP(freep)
		char *want = xasprintf("    1 | %s\n      | %s\n", rows[i].line,
				       rows[i].carets);

		assert_string_equal(got, want);
	}
}

static void fill(char *text, size_t len, char c)
{
	memset(text, c, len);
	text[len] = '\0';
}

static void test_long_lines(void **state)
{
	CLEANUP(freep) char *text = xmalloc(1000), *got = NULL;
	CLEANUP(freep) char *whole = NULL, *wanted = NULL;
	char dashes[101];

	(void)state;
	/* A line of 100 columns is shown whole. */
	fill(text, 100, 'a');
	whole = snippet(text, 99, 100);
	wanted = xasprintf("    1 | %s\n      | %99s^\n", text, "");
	assert_string_equal(whole, wanted);
	/* Of a longer line the part around the span, never more than there is room
	 * for. */
	fill(text, 900, 'a');
	memset(text + 500, 'b', 200);
	got = snippet(text, 500, 700);
	free(wanted);
	fill(dashes, 59, '~');
	wanted = xasprintf("    1 | ...%.40s%.60s...\n      |    %40s^%s\n", text,
			   text + 500, "", dashes);
	assert_string_equal(got, wanted);
	/* At its beginning and end. */
	free(got);
	free(wanted);
	got = snippet(text, 0, 1);
	wanted = xasprintf("    1 | %.100s...\n      | ^\n", text);
	assert_string_equal(got, wanted);
	free(got);
	free(wanted);
	got = snippet(text, 900, 900);
	wanted = xasprintf("    1 | ...%.40s\n      |    %40s^\n", text + 860, "");
	assert_string_equal(got, wanted);
}

static void test_line_numbers(void **state)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(freep) char *got = NULL;

	(void)state;
	for (size_t i = 0; i < 1234566; i++)
		buf_putc(&text, '\n');
	buf_puts(&text, "ab");
	got = snippet(text.data, (uint32_t)text.len - 1, (uint32_t)text.len);
	assert_string_equal(got, "1234567 | ab\n        |  ^\n");
}

/* ---- formats for programs ---- */

#define NASTY_NAME "a b:c/%\"\\\x1b\xff\xc3\xa4.def"
#define NASTY "'{{ x }}' [a](b) \"\\ \xff\xc3\xa4"

static struct diag_list *nasty(struct source *source)
{
	struct diag_list *l = diag_list_new(source, NULL);
	struct diag *d = diag_add(l, DIAG_UNKNOWN_STAGE,
				  span_of(source, "\xf0\x9f\x98\x80x"), "no %s", NASTY);

	diag_hint(d, "%s", NASTY);
	diag_note(d, span_of(source, "b\nc"), "%s", NASTY);
	diag_add(l, DIAG_CRLF, span_of(source, "a"), "plain");
	return l;
}

static void test_json(void **state)
{
	CLEANUP(source_freep)
	struct source *source =
		source_new(NASTY_NAME, STR("a b\nc\n\t\xf0\x9f\x98\x80x\n"));
	CLEANUP(diag_list_freep) struct diag_list *l = nasty(source);
	CLEANUP(freep) char *text = text_of(l, "json");
	CLEANUP(json_freep) cJSON *tree = NULL;
	const cJSON *d, *note;
	uint64_t n = 0;

	(void)state;
	assert_ok(json_parse(str_of(text), &tree));
	assert_string_equal(json_string(tree, "file"),
			    "a b:c/%\"\\\x1b\xef\xbf\xbd\xc3\xa4.def");
	d = json_array(tree, "diagnostics")->child;
	assert_string_equal(json_string(d, "severity"), "warning");
	assert_null(json_string(d, "hint"));
	assert_int_equal(cJSON_GetArraySize(json_array(d, "notes")), 0);
	d = d->next;
	assert_string_equal(json_string(d, "code"), "unknown-stage");
	assert_string_equal(json_string(d, "message"),
			    "no '{{ x }}' [a](b) \"\\ \xef\xbf\xbd\xc3\xa4");
	/* In characters, with the end exclusive. */
	assert_true(json_u64(d, "line", &n) && n == 3);
	assert_true(json_u64(d, "column", &n) && n == 2);
	assert_true(json_u64(d, "end_line", &n) && n == 3);
	assert_true(json_u64(d, "end_column", &n) && n == 4);
	note = json_array(d, "notes")->child;
	assert_true(json_u64(note, "line", &n) && n == 1);
	assert_true(json_u64(note, "end_line", &n) && n == 2);
	assert_true(json_u64(note, "end_column", &n) && n == 2);
}

static const cJSON *first(const cJSON *object, const char *name)
{
	const cJSON *array = json_array(object, name);

	assert_non_null(array);
	return array->child;
}

static void test_sarif(void **state)
{
	CLEANUP(source_freep)
	struct source *source =
		source_new(NASTY_NAME, STR("a b\nc\n\t\xf0\x9f\x98\x80x\n"));
	CLEANUP(source_freep) struct source *line = source_new("--build-arg", STR("X=1"));
	CLEANUP(diag_list_freep) struct diag_list *l = nasty(source);
	CLEANUP(freep) char *text = NULL;
	CLEANUP(json_freep) cJSON *tree = NULL;
	const cJSON *run, *result, *rules, *physical;
	uint64_t n = 0;

	(void)state;
	diag_add_in(l, line, DIAG_UNUSED_ARGUMENT, DIAG_WARNING, (struct span){0, 1},
		    "no stage uses 'X'");
	text = text_of(l, "sarif");
	assert_ok(json_parse(str_of(text), &tree));
	run = first(tree, "runs");
	rules = json_array(json_object(json_object(run, "tool"), "driver"), "rules");
	assert_int_equal(cJSON_GetArraySize(rules), 3);
	result = first(run, "results")->next;
	assert_string_equal(json_string(result, "ruleId"), "unknown-stage");
	assert_true(json_u64(result, "ruleIndex", &n));
	assert_string_equal(json_string(cJSON_GetArrayItem(rules, (int)n), "id"),
			    "unknown-stage");
	/* A name leaves no placeholder and no link. */
	assert_string_equal(
		json_string(json_object(result, "message"), "text"),
		"no '{{{{ x }}}}' [a]\xe2\x80\x8b(b) \"\\ \xef\xbf\xbd\xc3\xa4 "
		"('{{{{ x }}}}' [a]\xe2\x80\x8b(b) \"\\ \xef\xbf\xbd\xc3\xa4)");
	physical = json_object(first(result, "locations"), "physicalLocation");
	assert_string_equal(json_string(json_object(physical, "artifactLocation"), "uri"),
			    "a%20b%3Ac/%25%22%5C%1B%FF%C3%A4.def");
	assert_true(json_u64(json_object(physical, "region"), "endColumn", &n) && n == 4);
	assert_non_null(first(result, "relatedLocations"));
	result = result->next;
	assert_null(json_array(result, "locations"));
	assert_string_equal(json_string(json_object(result, "message"), "text"),
			    "--build-arg:1:1: no stage uses 'X'");
}

static void test_sarif_paths(void **state)
{
	static const char *const rows[][2] = {
		{"/a/b.def", "\"file:///a/b.def\""},
		{"../b.def", "\"../b.def\""},
		{"-", "\"-\""},
		{"//a", "\"file:////a\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(source_freep)
		struct source *source = source_new(rows[i][0], STR("a"));
		CLEANUP(diag_list_freep)
		struct diag_list *l = diag_list_new(source, NULL);
		CLEANUP(freep) char *text = NULL;

		diag_add(l, DIAG_CRLF, (struct span){0, 1}, "t");
		text = text_of(l, "sarif");
		assert_non_null(strstr(text, rows[i][1]));
	}
}

/* Nothing found is a document, too. */
static void test_nothing(void **state)
{
	CLEANUP(source_freep) struct source *source = source_new("x.def", STR(""));
	CLEANUP(diag_list_freep) struct diag_list *l = diag_list_new(source, NULL);
	CLEANUP(freep)
	char *text = text_of(l, "text"), *json = text_of(l, "json"),
	     *sarif = text_of(l, "sarif");
	CLEANUP(json_freep) cJSON *tree = NULL;

	(void)state;
	assert_string_equal(text, "");
	assert_ok(json_parse(str_of(json), &tree));
	assert_int_equal(cJSON_GetArraySize(json_array(tree, "diagnostics")), 0);
	json_freep(&tree);
	assert_ok(json_parse(str_of(sarif), &tree));
	assert_null(first(first(tree, "runs"), "results"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sorted),	    cmocka_unit_test(test_many),
		cmocka_unit_test(test_allow),	    cmocka_unit_test(test_options),
		cmocka_unit_test(test_codes),	    cmocka_unit_test(test_carets),
		cmocka_unit_test(test_long_lines),  cmocka_unit_test(test_line_numbers),
		cmocka_unit_test(test_json),	    cmocka_unit_test(test_sarif),
		cmocka_unit_test(test_sarif_paths), cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
