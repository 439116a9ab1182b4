/* SPDX-License-Identifier: MIT
 * test_export.c - every format shows the plan as it is, whatever its names hold and
 * however large it is.
 */
/* links: export */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/proc.h"
#include "frontend/export/export.h"
#include "tests/fake/cmocka_all.h"
#include "tests/fake/fake_plan.h"

static const char LAB3[] =
	"Bootstrap: docker\nFrom: golang:1.20.2-alpine\nStage: compiler\n"
	"\n%post\n  go build\n\n"
	"Bootstrap: docker\nFrom: alpine:3.17\nStage: final\n"
	"\n%files from compiler\n  /example/hello/hello /bin/hello\n";

/* Everything that some format treats as special. */
#define NASTY "q\"u\\o\\n\\G<t>e&amp;#35;`_*{}|%%\xc3\xa4\xff\x01\xe6\xbc\xa2\tz"

static uint32_t at(const char *what)
{
	return (uint32_t)(strstr(LAB3, what) - LAB3);
}

/* The example, with different names. */
static const struct plan *lab3(struct fake_plan *f, const char *compiler,
			       const char *from_label)
{
	static const struct step_base golang = {.agent = "docker", .from = "golang:1.20"};
	static const struct step_base alpine = {.agent = "docker", .from = "alpine:3.17"};
	static const struct section_label labels[] = {{"a", "1"}, {"a", "2"}};
	static const struct sections meta = {
		.definition = LAB3,
		.help = {"hello\n", ""},
		.labels = {labels, ARRAY_LEN(labels)},
	};
	struct step *post;

	fake_plan_init(f, LAB3);
	fake_plan_stage(f, compiler);
	fake_plan_step(f, STEP_BASE, "From golang:1.20.2-alpine", 0)->base = &golang;
	post = fake_plan_step(f, STEP_POST, "%post", at("%post"));
	post->script = (struct step_script){.text = "  go build\n", .args = ""};
	fake_plan_stage(f, "final");
	fake_plan_step(f, STEP_BASE, "From alpine:3.17", at("Bootstrap: docker\nFrom: a"))
		->base = &alpine;
	fake_plan_copy(f, from_label, at("%files"), post);
	fake_plan_step(f, STEP_META, "metadata", at("Bootstrap: docker\nFrom: a"))->meta =
		&meta;
	fake_plan_step(f, STEP_PACK, "image", at("Bootstrap: docker\nFrom: a"));
	return fake_plan_done(f);
}

/* Through a file: the writers flush in pieces. */
static char *export(const struct plan *plan, const char *format,
		    const struct export_state *state)
{
	struct buf text = BUF_INIT;
	int fd = memfd_create("export", MFD_CLOEXEC);

	assert_ok(export_find(format)->write(plan, state, fd));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_ok(fs_read_fd(fd, MIB(256), &text));
	close(fd);
	return buf_steal(&text);
}

/* ---- tree ---- */

static void test_tree(void **state)
{
	CLEANUP(fake_plan_release) struct fake_plan f;
	const struct plan *plan = lab3(&f, "compiler", "%files from compiler");
	struct export_state s = {0};
	CLEANUP(freep) char *text = export(plan, "tree", &s);

	(void)state;
	assert_string_equal(text, "stage compiler\n"
				  "  base    From golang:1.20.2-alpine            1:1\n"
				  "  post    %post                                5:1\n"
				  "\n"
				  "stage final  -> image\n"
				  "  base    From alpine:3.17                     8:1\n"
				  "  copy    %files from compiler                 12:1\n"
				  "  meta    metadata                             8:1\n"
				  "  pack    image                                8:1\n");
}

static void test_tree_statuses(void **state)
{
	static const char reason[] = "the copied files were not looked at yet, nor was "
				     "anything else that it depends on";
	CLEANUP(fake_plan_release) struct fake_plan f;
	const struct plan *plan = lab3(&f, "compiler", "%files from compiler");
	struct export_status statuses[6] = {
		{.kind = EXPORT_HIT},
		{.kind = EXPORT_MISS, .reason = "what it made is gone"},
		{.kind = EXPORT_HIT},
		{.kind = EXPORT_MISS},
		{.kind = EXPORT_UNKNOWN},
		{.kind = EXPORT_MISS, .reason = "not built with these inputs"},
	};
	struct export_state s = {.statuses = statuses};
	CLEANUP(freep)
	char *plain = export(plan, "tree", &s), *colour = NULL, *cut = NULL;

	(void)state;
	assert_string_equal(plain, "stage compiler\n"
				   "  base    From golang:1.20.2-alpine  1:1       hit\n"
				   "  post    %post                      5:1       miss: "
				   "what it made is gone\n"
				   "\n"
				   "stage final  -> image\n"
				   "  base    From alpine:3.17           8:1       hit\n"
				   "  copy    %files from compiler       12:1      miss\n"
				   "  meta    metadata                   8:1\n"
				   "  pack    image                      8:1       miss: "
				   "not built with these "
				   "inputs\n"
				   "\n4 of 6 steps to build\n");
	s.colour = true;
	colour = export(plan, "tree", &s);
	assert_non_null(strstr(colour, " \033[32mhit\033[0m\n"));
	assert_non_null(strstr(colour, " \033[33mmiss: what it made is gone\033[0m\n"));
	s.colour = false;
	statuses[3].reason = reason;
	cut = export(plan, "tree", &s);
	assert_non_null(strstr(cut, "...\n"));
	assert_non_null(strstr(cut, "12:1      miss: the copied files were no"));
}

static void test_tree_durations(void **state)
{
	CLEANUP(fake_plan_release) struct fake_plan f;
	const struct plan *plan = lab3(&f, "compiler", "%files from compiler");
	struct export_status statuses[6] = {
		{.kind = EXPORT_HIT},
		{.kind = EXPORT_MISS,
		 .reason = "%post line 7",
		 .has_expected = true,
		 .expected_ms = 125000},
		{.kind = EXPORT_HIT},
		{.kind = EXPORT_OPEN,
		 .reason = "after compiler.post",
		 .has_expected = true,
		 .expected_ms = 42},
		{.kind = EXPORT_OPEN, .reason = "after compiler.post"},
		{.kind = EXPORT_OPEN, .reason = "after compiler.post"},
	};
	struct export_state s = {
		.statuses = statuses, .expected_ms = 125042, .n_unexpected = 2};
	CLEANUP(freep) char *text = export(plan, "tree", &s);

	(void)state;
	assert_string_equal(text,
			    "stage compiler\n"
			    "  base    From golang:1.20.2-alpine   1:1       hit\n"
			    "  post    %post                       5:1       miss: "
			    "%post line 7         2m05s\n"
			    "\n"
			    "stage final  -> image\n"
			    "  base    From alpine:3.17            8:1       hit\n"
			    "  copy    %files from compiler        12:1      maybe: "
			    "after compiler.post  42ms\n"
			    "  meta    metadata                    8:1       maybe: "
			    "after compiler.post\n"
			    "  pack    image                       8:1       maybe: "
			    "after compiler.post\n"
			    "\n"
			    "up to 4 of 6 steps to build, expected to take 2m05s, "
			    "plus the time of 2 new steps\n");
}

/* Lines of a terminal: at most 80 columns of ASCII, no blanks at the end. */
static size_t check_lines(const char *text)
{
	size_t lines = 0;

	for (const char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
		lines++;
		assert_true(end - line <= 80);
		assert_true(end == line || end[-1] != ' ');
		for (const char *c = line; c < end; c++)
			assert_true(*c >= 0x20 && *c < 0x7f);
	}
	return lines;
}

static void test_tree_nasty(void **state)
{
	static const char registry[] =
		"From registry.example.org:5000/a-team/a-project/a-subproject/"
		"golang:1.20.2-alpine@sha256:"
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	static const char stage[] =
		"a-name-that-somebody-found-worth-more-than-eighty-columns-of-the-"
		"terminal-in-front-of-the-rest-of-us";
	CLEANUP(fake_plan_release) struct fake_plan f;
	const struct step *last;
	struct export_state s = {0};
	CLEANUP(freep) char *text = NULL, *known = NULL;
	CLEANUP(freep) struct export_status *statuses = NULL;
	const struct plan *plan;

	(void)state;
	fake_plan_init(&f, "x");
	fake_plan_stage(&f, stage);
	last = fake_plan_step(&f, STEP_BASE, registry, 0);
	fake_plan_stage(&f, "unused");
	fake_plan_stage(&f, NULL);
	fake_plan_step(&f, STEP_BASE, "From " NASTY, 0)->where.source = NULL;
	for (size_t i = 0; i < 12; i++)
		fake_plan_copy(&f, "%files from " NASTY, 0, last);
	plan = fake_plan_done(&f);
	text = export(plan, "tree", &s);
	assert_int_equal(check_lines(text), 19);
	assert_non_null(strstr(text, "stage a-name-that-somebody"));
	assert_non_null(strstr(text, "...of-the-rest-of-us\n")
				? ""
				: strstr(text, "the-rest-of-us\n"));
	assert_non_null(strstr(text, "\nstage unused  (nothing needs it: not built)\n"));
	assert_non_null(strstr(text, "\nstage3  -> target\n"));
	assert_non_null(strstr(text, "  copy12  %files from q\"u\\o\\n\\G<t>e"));
	statuses = xcalloc(plan->n_steps, sizeof(*statuses));
	for (size_t i = 0; i < plan->n_steps; i++)
		statuses[i] = (struct export_status){.kind = EXPORT_MISS,
						     .reason = NASTY NASTY NASTY};
	s.statuses = statuses;
	known = export(plan, "tree", &s);
	assert_int_equal(check_lines(known), 21);
}

/* ---- a large plan ---- */

/* A writer that looked at all steps for each stage would not end in time. */
static void test_large(void **state)
{
	enum { STAGES = 10000, STEPS = 10 };
	static const char *const names[] = {"tree", "dot", "json", "mermaid"};
	CLEANUP(fake_plan_release) struct fake_plan f;
	const struct step *last = NULL;
	const struct plan *plan;

	(void)state;
	fake_plan_init(&f, LAB3);
	for (size_t i = 0; i < STAGES; i++) {
		fake_plan_stage(&f, i % 2 > 0 ? "odd" : "even");
		last = fake_plan_step(&f, STEP_APPS, "apps", 0);
		for (size_t k = 1; k < STEPS; k++)
			last = fake_plan_copy(&f, "%files from odd", at("%files"), last);
	}
	plan = fake_plan_done(&f);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct export_state s = {0};
		CLEANUP(freep) char *text = export(plan, names[i], &s);

		assert_int_equal(text[strlen(text) - 1], '\n');
		if (i == 0)
			assert_int_equal(check_lines(text), STAGES * (STEPS + 2) - 1);
	}
}

/* A failure to write is reported. */
static void test_full(void **state)
{
	static const char *const names[] = {"tree", "dot", "json", "mermaid"};
	CLEANUP(fake_plan_release) struct fake_plan f;
	const struct plan *plan = lab3(&f, "compiler", "%files from compiler");
	struct export_state s = {0};
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_err(ERR_NOSPACE, export_find(names[i])->write(plan, &s, fd));
	close(fd);
	assert_null(export_find("svg"));
}

/* ---- json ---- */

static void test_json(void **state)
{
	CLEANUP(fake_plan_release) struct fake_plan f;
	const struct plan *plan = lab3(&f, NASTY, "%files from " NASTY);
	struct export_status statuses[6] = {{.kind = EXPORT_HIT},
					    {.kind = EXPORT_MISS, .reason = "because"}};
	struct export_state s = {.statuses = statuses};
	CLEANUP(freep) char *text = export(plan, "json", &s);
	CLEANUP(json_freep) cJSON *tree = NULL;
	const cJSON *steps, *copy, *item, *meta;
	uint64_t number = 0;

	(void)state;
	assert_ok(json_parse(str_of(text), &tree));
	steps = json_array(tree, "steps");
	assert_int_equal(cJSON_GetArraySize(steps), plan->n_steps);
	/* Equal to the name, except the byte that is not UTF-8. */
	assert_non_null(
		strstr(json_string(steps->child, "name"),
		       "q\"u\\o\\n\\G<t>e&amp;#35;`_*{}|%%\xc3\xa4\xef\xbf\xbd\x01"));
	assert_string_equal(json_string(steps->child->next, "reason"), "because");
	copy = cJSON_GetArrayItem(steps, 3);
	assert_string_equal(json_string(copy, "status"), "unknown");
	assert_string_equal(json_string(json_object(copy, "inputs"), "from_step"),
			    json_string(steps->child->next, "name"));
	item = json_array(json_object(copy, "inputs"), "items")->child;
	assert_string_equal(json_string(item, "target"), "/bin/hello");
	assert_true(json_u64(json_object(item, "where"), "line", &number));
	assert_int_equal(number, 12);
	meta = json_object(cJSON_GetArrayItem(steps, 4), "inputs");
	assert_true(json_bool(meta, "definition", false));
	assert_int_equal(cJSON_GetArraySize(json_array(meta, "labels")), 2);
	assert_string_equal(json_string(json_object(tree, "target"), "step"),
			    "final.pack");
}

/* ---- dot, as Graphviz itself sees it ---- */

static char *content(int fd)
{
	struct buf text = BUF_INIT;

	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_ok(fs_read_fd(fd, MIB(16), &text));
	close(fd);
	return buf_steal(&text);
}

/* What `dot` makes of the plan, with nothing on standard error. */
static char *draw(const struct plan *plan, const struct export_state *s,
		  const char *format)
{
	const char *const argv[] = {"dot", format, NULL};
	CLEANUP(proc_release) struct proc p = PROC_INIT;
	CLEANUP(freep) char *talk = NULL;
	int in = memfd_create("in", MFD_CLOEXEC), out = memfd_create("out", MFD_CLOEXEC);
	int err = memfd_create("err", MFD_CLOEXEC), status = -1;
	struct proc_spec spec = {.path = "dot",
				 .argv = argv,
				 .stdin_fd = in,
				 .stdout_fd = out,
				 .stderr_fd = err};

	assert_ok(export_dot(plan, s, in));
	assert_int_equal(lseek(in, 0, SEEK_SET), 0);
	assert_ok(proc_start(&p, &spec));
	assert_ok(proc_wait(&p, &status));
	close(in);
	talk = content(err);
	assert_string_equal(talk, "");
	assert_int_equal(status, 0);
	return content(out);
}

static void test_dot(void **state)
{
	CLEANUP(fake_plan_release) struct fake_plan f;
	const struct plan *plan = lab3(&f, NASTY, "%files from " NASTY);
	struct export_status statuses[6] = {
		{.kind = EXPORT_HIT},
		{.kind = EXPORT_MISS, .reason = "because of \"" NASTY "\\"}};
	struct export_state s = {.statuses = statuses};
	CLEANUP(freep) char *svg = draw(plan, &s, "-Tsvg");
	CLEANUP(freep) char *png = draw(plan, &s, "-Tpng");

	(void)state;
	assert_memory_equal(png, "\x89PNG", 4);
	/* Nothing of a name was taken for an escape sequence or an entity. */
	assert_non_null(strstr(svg,
			       ">stage q&quot;u\\o\\n\\G&lt;t&gt;e&amp;amp;#35;`_*{}|%%"
			       "\xc3\xa4?"
			       "?\xe6\xbc\xa2 z</text>"));
	assert_non_null(strstr(svg, ">miss: because of &quot;q&quot;u\\o\\n\\G"));
	assert_non_null(strstr(svg, ">stage final &#45;&gt; image</text>"));
	assert_non_null(strstr(svg, "stroke-dasharray"));
}

/* ---- mermaid ---- */

static void test_mermaid(void **state)
{
	CLEANUP(fake_plan_release) struct fake_plan f;
	const struct plan *plan = lab3(&f, NASTY, "%files from " NASTY);
	struct export_status statuses[6] = {{.kind = EXPORT_HIT},
					    {.kind = EXPORT_MISS, .reason = "because"}};
	struct export_state s = {.statuses = statuses};
	CLEANUP(freep) char *text = export(plan, "mermaid", &s);

	(void)state;
	assert_non_null(strstr(
		text,
		"flowchart TB\n"
		"  subgraph s0[\"stage "
		"q#34;u#92;#8203;o#92;#8203;n#92;#8203;G#60;t#62;e#38;amp#59;#35;35#59;"
		"#96;#95;#42;#123;#125;#124;%%"
		"\xc3\xa4#63;#63;\xe6\xbc\xa2 z"
		"\"];\n"
		"    direction TB;\n"
		"    n0[\"From golang:1.20.2-alpine<br/>hit\"]:::hit;\n"
		"    n1[\"%post<br/>miss: because\"]:::miss;\n"
		"  end;\n"
		"  subgraph s1[\"stage final -#62; image\"];\n"));
	assert_non_null(strstr(text, "  n0 --> n1;\n"));
	assert_non_null(strstr(text, "  n1 -.-> n3;\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_tree_statuses),
		cmocka_unit_test(test_tree_durations),
		cmocka_unit_test(test_tree_nasty),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_dot),
		cmocka_unit_test(test_mermaid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
