/* SPDX-License-Identifier: MIT
 * test_parse.c - what a definition's text means: stages, replaced arguments, places,
 * words of the command line, and that time and memory stay linear in the text.
 */
/* links: def */
#include <string.h>

#include "tests/fake/cmocka_all.h"
#include "tests/fake/parsed.h"

static size_t errors(const struct parsed *p)
{
	return diag_count(p->diags, DIAG_ERROR);
}

/* ---- template arguments ---- */

static void test_replaced(void **state)
{
	static const struct {
		const char *text, *args, *wanted;
	} rows[] = {
		{"{{ a }}", "a=1", "1"},
		{"{{a}}{{ b }}", "a=1,b=2", "12"},
		{"{{ a }}", "a=1,a=2", "2"},
		{"{{ a }}", "\"a=1,2\"", "1,2"},
		{"{{ a }}", "\"a=say \"\"x\"\"\"", "say \"x\""},
		{"{{ a }}", "a=", ""},
		{"# {{ a }}", "b=1", "# {{ a }}"},
		{"#{{ a }}", "a=1", "#1"},
		{"x # {{ a }} {{ a }}", "a=1", "x # {{ a }} {{ a }}"},
		{"{{ a }} # {{ a }}", "a=1", "1 # {{ a }}"},
		{"#!{{ a }}", "a=1", "#!1"},
		{"a#b {{ a }}\n{{ a }}", "a=1", "a#b {{ a }}\n1"},
		{"{{ a }}#x {{ a }}", "a=1", "1#x {{ a }}"},
		{"{{ a }}", "a={{ b }},b=2", "2"},
		{"{{ a }}", "a={{ b }},b={{ c }},c=3", "{{ c }}"},
		{"{{ a }}", "a={{ no }}", "{{ no }}"},
		{"{{ a }}\n%post\n{{ b }}", "a=1,b=2", "1\n%post\n2"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(freep)
		char *text = xasprintf("Bootstrap: scratch\n%%help\n%s", rows[i].text);
		CLEANUP(freep)
		char *wanted =
			xasprintf("Bootstrap: scratch\n%%help\n%s", rows[i].wanted);
		CLEANUP(parsed_release) struct parsed p;

		parsed_init(&p, text, rows[i].args);
		assert_non_null(p.def);
		assert_int_equal(errors(&p), 0);
		assert_string_equal(p.def->text.text.data, wanted);
	}
}

/* The command line wins over %arguments; another stage's %arguments do not count. */
static void test_scope(void **state)
{
	static const char text[] =
		"Bootstrap: scratch\nStage: {{ s }}\n%arguments\ns=one\n"
		"Bootstrap: scratch\nStage: {{ s }}\n";
	CLEANUP(parsed_release) struct parsed without;
	CLEANUP(parsed_release) struct parsed with;

	(void)state;
	parsed_init(&without, text, NULL);
	assert_int_equal(errors(&without), 1);
	assert_string_equal(without.def->stages[0].name, "one");
	assert_false(without.def->stages[0].is_partial);
	assert_true(without.def->stages[1].is_partial);
	parsed_init(&with, text, "s=two");
	assert_int_equal(errors(&with), 0);
	assert_string_equal(with.def->stages[0].name, "two");
	assert_string_equal(with.def->stages[1].name, "two");
	assert_true(with.def->stages[0].arguments->is_used);
}

/* Text from a value is shown at its placeholder, the rest where it is. */
static void test_places(void **state)
{
	static const char text[] =
		"Bootstrap: scratch\nFrom: {{ long }}\n%files from {{ a }}\n"
		"x {{ a }}/y\n";
	CLEANUP(parsed_release) struct parsed p;
	const struct def_header *from;
	const struct def_copy *copy;

	(void)state;
	parsed_init(&p, text, "long=something much longer,a=b");
	assert_int_equal(errors(&p), 0);
	from = def_header_find(&p.def->stages[0], "from");
	assert_string_equal(from->value, "something much longer");
	assert_true(str_is(source_slice(p.source, from->value_span), "{{ long }}"));
	assert_true(str_is(source_slice(p.source, p.def->stages[0].files->from_span),
			   "{{ a }}"));
	copy = p.def->stages[0].files->copies.first;
	assert_string_equal(copy->target, "b/y");
	assert_true(str_is(source_slice(p.source, copy->source_span), "x"));
	assert_true(str_is(source_slice(p.source, copy->target_span), "{{ a }}/y"));
}

/* A value can bring in sections, but not stages. */
static void test_injected(void **state)
{
	CLEANUP(parsed_release) struct parsed p;

	(void)state;
	parsed_init(&p, "Bootstrap: scratch\n%help\n{{ a }}\n",
		    "\"a=x\n%post\ny\nBootstrap: docker\"");
	assert_int_equal(p.def->n_stages, 1);
	assert_string_equal(def_body(def_section(&p.def->stages[0], DEF_POST), p.arena),
			    "y\nBootstrap: docker\n");
}

static void test_flags(void **state)
{
	static const char *const bad[] = {"a",	      "=1",    "a=\"1",
					  "\"a=1\"x", "a=1,b", "a=1\nb=2"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEANUP(build_args_freep) struct build_args *args = build_args_new();

		assert_err(ERR_USAGE, build_args_flag(args, bad[i]));
	}
}

/* A file's later lines win, and flags win over the file, even if they come first. */
static void test_file(void **state)
{
	static const char text[] = "a=1\r\n\n b = \"x\" \n# c=3\nno pair\na=2";
	CLEANUP(source_freep) struct source *source = source_new("x.def", STR(""));
	CLEANUP(build_args_freep) struct build_args *args = build_args_new();
	CLEANUP(diag_list_freep) struct diag_list *diags = diag_list_new(source, NULL);

	(void)state;
	assert_ok(build_args_flag(args, "f=flag"));
	build_args_file(args, "args", xstrdup(text), strlen(text));
	build_args_file(args, "more", xstrdup("f=file"), 6);
	assert_string_equal(build_args_find(args, "a", true), "2");
	assert_string_equal(build_args_find(args, "b", true), "\"x\"");
	assert_string_equal(build_args_find(args, "f", true), "flag");
	assert_null(build_args_find(args, "c", true));
	build_args_check(args, DIAG_ERROR, false, diags);
	assert_int_equal(diag_count(diags, DIAG_WARNING), 1); /* "no pair" */
	assert_int_equal(diag_count(diags, DIAG_ERROR), 1);   /* "# c" is not used */
}

/* ---- sections ---- */

static void test_bodies(void **state)
{
	CLEANUP(parsed_release) struct parsed p;
	const struct def_stage *stage;

	(void)state;
	parsed_init(&p,
		    "Bootstrap: scratch\r\n%post -x\r\n one\r\n\r\n%help\n%POST\ntwo\n"
		    "%appinstall a\nx\n%apprun b more\ny\n%appinstall a\nz",
		    NULL);
	stage = &p.def->stages[0];
	assert_string_equal(def_body(def_section(stage, DEF_POST), p.arena),
			    " one\n\ntwo\n");
	assert_true(str_is(stage->sections[DEF_POST]->args, "-x"));
	assert_null(def_section(stage, DEF_HELP));
	assert_non_null(stage->sections[DEF_HELP]);
	assert_string_equal(stage->apps->name, "a");
	assert_string_equal(def_body(stage->apps->sections[DEF_APP_INSTALL], p.arena),
			    "x\nz\n");
	assert_string_equal(stage->apps->next->name, "b");
	assert_null(stage->apps->next->next);
}

static void test_image(void **state)
{
	CLEANUP(parsed_release) struct parsed p;

	(void)state;
	parsed_init(&p,
		    "Bootstrap: docker\nRegistry: r:5000\nNamespace: n\nFrom: a:1\n"
		    "Bootstrap: localimage\nRegistry: r\nFrom: a.sif\n",
		    NULL);
	assert_string_equal(def_image(&p.def->stages[0], p.arena), "r:5000/n/a:1");
	assert_string_equal(def_image(&p.def->stages[1], p.arena), "a.sif");
}

/* ---- large and hostile texts ---- */

/* `line` repeated, `size` bytes of it. */
static char *repeated(const char *head, const char *line, size_t size)
{
	struct buf text = BUF_INIT;

	buf_puts(&text, head);
	while (text.len < size)
		buf_puts(&text, line);
	return buf_steal(&text);
}

/* If time were not linear in the text, this would not end within the test's time
 * limit. */
static void test_linear(void **state)
{
	static const char *const lines[] = {
		"x\n",
		"%pre\n",
		"%zzz\n",
		"%files\na\n",
		"%files from a\n\"\n",
		"%files a\n",
		"%apprun a\n",
		"Bootstrap:\n",
		"from:\n",
		":\n",
		"{{a}} ",
		"# {{a}} ",
		"{{b}}",
		"{{",
		"{{ \n",
		"a=b\n",
		"From: x \\\n",
		"\r\n",
		"\xc2\xa0",
	};
	const size_t size = KIB(96);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		CLEANUP(freep)
		char *text = repeated("Bootstrap: scratch\n%arguments\n", lines[i], size);
		CLEANUP(parsed_release) struct parsed p;
		CLEANUP(buf_release) struct buf shown = BUF_INIT;

		parsed_init(&p, text, "a=1");
		diag_write_text(p.diags, &shown);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replaced), cmocka_unit_test(test_scope),
		cmocka_unit_test(test_places),	 cmocka_unit_test(test_injected),
		cmocka_unit_test(test_flags),	 cmocka_unit_test(test_file),
		cmocka_unit_test(test_bodies),	 cmocka_unit_test(test_image),
		cmocka_unit_test(test_linear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
