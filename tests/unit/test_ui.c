/* SPDX-License-Identifier: MIT
 * test_ui.c - exports and progress show what is there, whatever bytes names and scripts hold, and
 * never more than a terminal has room for.
 */
/* links: export ui plan */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/proc.h"
#include "base/source.h"
#include "frontend/def/parse.h"
#include "frontend/export/export.h"
#include "frontend/ui/screen_text.h"
#include "frontend/ui/sink.h"
#include "frontend/ui/summary.h"
#include "tests/fake/cmocka_all.h"

/* ---- a plan with nasty names ---- */

static const char NASTY[] =
	"Bootstrap: docker\nFrom: a\nStage: q\"u\\o<t>e\xc3\xa4\n%post\n  true\n"
	"Bootstrap: docker\nFrom: b\n%files from q\"u\\o<t>e\xc3\xa4\n  \"/a b\" /c\n";

static struct plan *make_plan(void)
{
	CLEANUP(source_freep) struct source *source = source_new("x.def", str_of(NASTY));
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(diag_list_freep) struct diag_list *diags = diag_list_new(source);
	struct definition *def = NULL;
	struct plan *plan = NULL;

	def_parse(source, arena, diags, &def);
	assert_non_null(def);
	def_check(def, diags);
	assert_int_equal(diag_count(diags, DIAG_ERROR), 0);
	assert_ok(plan_compile(def, &plan));
	/* The plan keeps nothing of the definition: all of it is freed here. */
	return plan;
}

static void export(const struct plan *plan, const char *format, struct buf *out)
{
	CLEANUP(freep)
	struct export_status *statuses = xcalloc(plan->n_steps, sizeof(*statuses));
	struct export_state state = {statuses};

	statuses[0].kind = EXPORT_HIT;
	statuses[1].kind = EXPORT_MISS;
	statuses[1].reason = "because";
	export_find(format)->write(plan, &state, out);
}

static void test_json(void **state)
{
	CLEANUP(plan_freep) struct plan *plan = make_plan();
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(json_freep) cJSON *tree = NULL;
	const cJSON *steps;

	(void)state;
	export(plan, "json", &text);
	assert_ok(json_parse(str_make(text.data, text.len), &tree));
	steps = json_array(tree, "steps");
	assert_int_equal(cJSON_GetArraySize(steps), plan->n_steps);
	assert_string_equal(json_string(steps->child, "name"),
			    "q\"u\\o<t>e\xc3\xa4.base");
	assert_string_equal(json_string(steps->child->next, "reason"), "because");
}

/* Graphviz itself draws it. */
static void test_dot(void **state)
{
	static const char *const argv[] = {"dot", "-Tsvg", "-o/dev/null", NULL};
	CLEANUP(plan_freep) struct plan *plan = make_plan();
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(proc_release) struct proc p = PROC_INIT;
	struct proc_spec spec = {
		.path = "dot", .argv = argv, .stdout_fd = -1, .stderr_fd = -1};
	int read_end = -1, write_end = -1, status = -1;

	(void)state;
	export(plan, "dot", &text);
	assert_ok(proc_pipe(&read_end, &write_end));
	spec.stdin_fd = read_end;
	assert_ok(proc_start(&p, &spec));
	close(read_end);
	assert_ok(fs_write_all(write_end, text.data, text.len));
	close(write_end);
	assert_ok(proc_wait(&p, &status));
	assert_int_equal(status, 0);
}

static void test_tree(void **state)
{
	CLEANUP(plan_freep) struct plan *plan = make_plan();
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	(void)state;
	export(plan, "tree", &text);
	assert_non_null(strstr(buf_text(&text), "hit\n"));
	assert_non_null(strstr(buf_text(&text), "miss: because\n"));
	assert_null(strstr(buf_text(&text), " \n"));
}

/* ---- text for terminals ---- */

static void test_clean(void **state)
{
	static const char *const rows[][2] = {
		{"plain", "plain"},
		{"\033[31mred\033[0m", "red"},
		{"\033]0;title\aafter", "after"},
		{"a\tb\rc\bd", "a bcd"},
		{"\033", ""},
		{"\033[", ""},
		{"\xc3\xa4\xff", "\xc3\xa4\xff"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(buf_release) struct buf out = BUF_INIT;

		screen_text_clean(&out, str_of(rows[i][0]));
		assert_string_equal(buf_text(&out), rows[i][1]);
	}
}

static void test_cut(void **state)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(screen_text_cut(&out, STR("\xc3\xa4\xc3\xb6\xc3\xbcx"), 3), 3);
	assert_string_equal(buf_text(&out), "\xc3\xa4\xc3\xb6\xc3\xbc");
	buf_clear(&out);
	/* Two columns each: three would not fit whole. */
	assert_int_equal(screen_text_cut(&out, STR("\xe6\xbc\xa2\xe5\xad\x97"), 3), 2);
	assert_string_equal(buf_text(&out), "\xe6\xbc\xa2");
}

static void test_bytes(void **state)
{
	char text[16];

	(void)state;
	screen_text_bytes(999, text, sizeof(text));
	assert_string_equal(text, "999 B");
	screen_text_bytes(2150400, text, sizeof(text));
	assert_string_equal(text, "2.2 MB");
}

static void test_summary(void **state)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct summary s = {6, 2, 4, 1500000000, "/x/lab3.sif", 2150400};

	(void)state;
	summary_render(&s, &out);
	assert_string_equal(buf_text(&out),
			    "/x/lab3.sif (2.2 MB): 2 steps built, 4 reused, in 1.5s\n");
	buf_clear(&out);
	s.cached = 6;
	summary_render(&s, &out);
	assert_string_equal(buf_text(&out),
			    "nothing has changed: /x/lab3.sif is current (1.5s)\n");
}

/* ---- sinks ---- */

static void emit(struct event_sink sink, const struct plan *plan, struct event e)
{
	e.graph = plan->graph;
	sink.emit(sink.self, &e);
}

static void set(struct event_sink sink, const struct plan *plan, uint32_t node,
		enum node_state s, uint64_t ms)
{
	emit(sink, plan,
	     (struct event){.type = EVENT_STATE,
			    .node = {node},
			    .state = s,
			    .time_ns = ms * 1000000});
}

static void play(struct event_sink sink, const struct plan *plan)
{
	emit(sink, plan,
	     (struct event){.type = EVENT_BEGIN, .node = NODE_NONE, .time_ns = 1});
	set(sink, plan, 0, NODE_READY, 1);
	set(sink, plan, 0, NODE_PROBING, 1);
	set(sink, plan, 0, NODE_CACHED, 2);
	set(sink, plan, 1, NODE_READY, 2);
	set(sink, plan, 1, NODE_PROBING, 2);
	set(sink, plan, 1, NODE_RUNNING, 2);
	emit(sink, plan,
	     (struct event){.type = EVENT_LINE,
			    .node = {1},
			    .text = "\033[1m+ true\033[m",
			    .time_ns = 3000000});
	emit(sink, plan,
	     (struct event){.type = EVENT_TICK, .node = NODE_NONE, .time_ns = 100000000});
	set(sink, plan, 1, NODE_BUILT, 1502);
	emit(sink, plan,
	     (struct event){.type = EVENT_END, .node = NODE_NONE, .time_ns = 1600000000});
}

static char *content(FILE *file)
{
	struct buf text = BUF_INIT;

	fflush(file);
	assert_int_equal(lseek(fileno(file), 0, SEEK_SET), 0);
	assert_ok(fs_read_fd(fileno(file), MIB(1), &text));
	return buf_steal(&text);
}

static void test_plain(void **state)
{
	CLEANUP(plan_freep) struct plan *plan = make_plan();
	CLEANUP(fclosep) FILE *file = tmpfile();
	CLEANUP(freep) char *text = NULL;
	struct event_sink sink = sink_plain_new(file);

	(void)state;
	play(sink, plan);
	text = content(file);
	assert_string_equal(text, "#1 q\"u\\o<t>e\xc3\xa4.base: From a\n#1 cached\n"
				  "#2 q\"u\\o<t>e\xc3\xa4.post: %post\n#2 | + true\n"
				  "#2 done in 1.5s\n");
	sink_plain_free(sink.self);
}

/* What has ended stays above; the list of what runs is drawn and erased. */
static void test_tty(void **state)
{
	CLEANUP(plan_freep) struct plan *plan = make_plan();
	CLEANUP(fclosep) FILE *file = tmpfile();
	CLEANUP(freep) char *text = NULL;
	struct event_sink sink = sink_tty_new(file, false);

	(void)state;
	play(sink, plan);
	text = content(file);
	assert_non_null(strstr(text, " cached "));
	assert_non_null(strstr(text, " done "));
	assert_non_null(strstr(text, "+ true"));
	assert_null(strstr(text, "\033[1m")); /* the script's own sequence */
	for (const char *line = text; line; line = strchr(line, '\n')) {
		const char *end = strchr(++line, '\n');

		assert_true(!end || end - line < 100);
	}
	sink_tty_free(sink.self);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),	cmocka_unit_test(test_dot),
		cmocka_unit_test(test_tree),	cmocka_unit_test(test_clean),
		cmocka_unit_test(test_cut),	cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_summary), cmocka_unit_test(test_plain),
		cmocka_unit_test(test_tty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
