/* SPDX-License-Identifier: MIT
 * test_ui.c - progress shows what is there, whatever bytes scripts print, and never more than a
 * terminal has room for.
 */
/* links: ui engine */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "frontend/ui/screen_text.h"
#include "frontend/ui/sink.h"
#include "frontend/ui/summary.h"
#include "tests/fake/cmocka_all.h"
#include "tests/fake/fake_plan.h"

/* ---- text for terminals ---- */

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
	struct summary s = {6, 2, 4, 1500000000, "/x/lab3.sif", NULL, 2150400, NULL};

	(void)state;
	summary_render(&s, &out);
	assert_string_equal(buf_text(&out),
			    "/x/lab3.sif (2.2 MB): 2 steps built, 4 reused, in 1.5s\n");
	buf_clear(&out);
	s.cached = 6;
	summary_render(&s, &out);
	assert_string_equal(buf_text(&out),
			    "nothing has changed: /x/lab3.sif is current (1.5s)\n");
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

/* ---- sinks ---- */

static const struct plan *make_plan(struct fake_plan *f)
{
	fake_plan_init(f, "");
	fake_plan_stage(f, "q\"u\\o<t>e\xc3\xa4");
	fake_plan_step(f, STEP_BASE, "From a", 0);
	fake_plan_step(f, STEP_POST, "%post", 0);
	return fake_plan_done(f);
}

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
	CLEANUP(fake_plan_release) struct fake_plan fake;
	const struct plan *plan = make_plan(&fake);
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
	CLEANUP(fake_plan_release) struct fake_plan fake;
	const struct plan *plan = make_plan(&fake);
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
		cmocka_unit_test(test_cut),	cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_summary), cmocka_unit_test(test_plain),
		cmocka_unit_test(test_tty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
