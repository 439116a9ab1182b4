/* SPDX-License-Identifier: MIT
 * test_sinks.c - what the sinks make of events, at the times that the events give.
 */
/* links: ui engine */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/utf8.h"
#include "frontend/ui/sink.h"
#include "tests/fake/cmocka_all.h"
#include "tests/fake/fake_plan.h"

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
	struct event_sink sink = sink_plain_new(file, SINK_BUILD);

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
	struct event_sink sink = sink_tty_new(file, false, SINK_BUILD);

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

/* ---- a step that takes its time ---- */

/* A sink with a file, and a plan of a base and a %post. */
struct stage {
	struct fake_plan fake;
	const struct plan *plan;
	FILE *file;
	struct event_sink sink;
	long read_to;
};

typedef struct event_sink make_sink(FILE *out, enum sink_pass pass);

static struct event_sink make_tty(FILE *out, enum sink_pass pass)
{
	return sink_tty_new(out, false, pass);
}

static void stage_begin(struct stage *s, make_sink *make, enum sink_pass pass)
{
	fake_plan_init(&s->fake, "");
	fake_plan_stage(&s->fake, "one");
	fake_plan_step(&s->fake, STEP_BASE,
		       "From 127.0.0.1:41637/library/debian:bookworm-slim", 0);
	fake_plan_step(&s->fake, STEP_POST, "%post", 0);
	s->plan = fake_plan_done(&s->fake);
	s->file = tmpfile();
	assert_non_null(s->file);
	s->sink = make(s->file, pass);
	s->read_to = 0;
	emit(s->sink, s->plan, (struct event){.type = EVENT_BEGIN, .node = NODE_NONE});
}

static void stage_end(struct stage *s, void (*free_sink)(void *))
{
	free_sink(s->sink.self);
	fclose(s->file);
	fake_plan_release(&s->fake);
}

static void tick(struct stage *s, uint64_t ms)
{
	emit(s->sink, s->plan,
	     (struct event){
		     .type = EVENT_TICK, .node = NODE_NONE, .time_ns = ms * 1000000});
}

static void progress(struct stage *s, uint32_t node, uint64_t done, uint64_t ms)
{
	emit(s->sink, s->plan,
	     (struct event){.type = EVENT_PROGRESS,
			    .node = {node},
			    .text = "downloading",
			    .done = done,
			    .total = 100000000,
			    .time_ns = ms * 1000000});
}

static void text(struct stage *s, enum event_type type, uint32_t node, const char *said,
		 uint64_t ms)
{
	emit(s->sink, s->plan,
	     (struct event){.type = type,
			    .node = {node},
			    .text = said,
			    .time_ns = ms * 1000000});
}

/* What was written since the last call; for free(). */
static char *news(struct stage *s)
{
	CLEANUP(freep) char *all = content(s->file);
	char *tail = xstrdup(all + s->read_to);

	s->read_to = (long)strlen(all);
	return tail;
}

static void expect(struct stage *s, const char *expected)
{
	CLEANUP(freep) char *said = news(s);

	assert_string_equal(said, expected);
}

/* Servers end jobs whose logs do not grow. */
static void test_plain_silence(void **state)
{
	struct stage s;

	(void)state;
	stage_begin(&s, sink_plain_new, SINK_BUILD);
	set(s.sink, s.plan, 1, NODE_PROBING, 1000);
	set(s.sink, s.plan, 1, NODE_RUNNING, 1000);
	expect(&s, "#2 one.post: %post\n");
	tick(&s, 60900);
	expect(&s, "");
	tick(&s, 61000);
	expect(&s, "#2 still running, 1m00s\n");
	text(&s, EVENT_LINE, 1, "+ make", 70000);
	expect(&s, "#2 | + make\n");
	tick(&s, 129900);
	expect(&s, "");
	for (uint64_t ms = 130000; ms < 60 * 60000; ms += 100)
		tick(&s, ms);
	{
		CLEANUP(freep) char *said = news(&s);
		size_t lines = 0;

		assert_memory_equal(said, "#2 still running, 2m09s\n", 24);
		for (const char *c = said; *c; c++)
			lines += *c == '\n';
		assert_int_equal(lines, 58);
	}
	set(s.sink, s.plan, 1, NODE_BUILT, 60 * 60000);
	expect(&s, "#2 done in 59m59s\n");
	tick(&s, 70 * 60000);
	expect(&s, "");
	stage_end(&s, sink_plain_free);
}

static void test_plain_progress(void **state)
{
	struct stage s;

	(void)state;
	stage_begin(&s, sink_plain_new, SINK_BUILD);
	set(s.sink, s.plan, 0, NODE_PROBING, 0);
	set(s.sink, s.plan, 0, NODE_RUNNING, 0);
	expect(&s, "#1 one.base: From 127.0.0.1:41637/library/debian:bookworm-slim\n");
	for (uint64_t ms = 100; ms <= 25000; ms += 100) {
		progress(&s, 0, ms * 1000, ms);
		tick(&s, ms);
	}
	expect(&s, "#1 downloading 10% of 100.0 MB, 1.0 MB/s, 1m31s left\n"
		   "#1 downloading 20% of 100.0 MB, 1.0 MB/s, 1m21s left\n");
	/* It stands still: the last progress is reported, then that it still runs. */
	tick(&s, 30000);
	expect(&s, "#1 downloading 25% of 100.0 MB, 74.1 kB/s, 16m53s left\n");
	tick(&s, 89900);
	expect(&s, "");
	tick(&s, 90000);
	expect(&s, "#1 still running, 1m30s\n");
	set(s.sink, s.plan, 0, NODE_CANCELLED, 91000);
	expect(&s, "#1 interrupted after 1m31s\n");
	stage_end(&s, sink_plain_free);
}

/* A step is named once, before anything is said about it. */
static void test_plain_names(void **state)
{
	struct stage s;

	(void)state;
	stage_begin(&s, sink_plain_new, SINK_BUILD);
	set(s.sink, s.plan, 1, NODE_PROBING, 0);
	set(s.sink, s.plan, 1, NODE_FAILED, 1);
	expect(&s, "#2 one.post: %post\n#2 failed after 1ms\n");
	set(s.sink, s.plan, 0, NODE_PROBING, 0);
	text(&s, EVENT_NOTE, 0, "trying again in 1.0 s", 10);
	expect(&s, "#1 one.base: From 127.0.0.1:41637/library/debian:bookworm-slim\n"
		   "#1 note: trying again in 1.0 s\n");
	set(s.sink, s.plan, 0, NODE_RUNNING, 0);
	expect(&s, "");
	set(s.sink, s.plan, 0, NODE_SKIPPED, 0);
	expect(&s, "");
	stage_end(&s, sink_plain_free);
}

/* A probe says nothing, unless it takes long. */
static void test_plain_look(void **state)
{
	struct stage s;

	(void)state;
	stage_begin(&s, sink_plain_new, SINK_LOOK);
	set(s.sink, s.plan, 1, NODE_PROBING, 0);
	set(s.sink, s.plan, 1, NODE_CACHED, 10);
	set(s.sink, s.plan, 0, NODE_PROBING, 10);
	tick(&s, 900);
	expect(&s, "");
	tick(&s, 1010);
	expect(&s, "#1 one.base: From 127.0.0.1:41637/library/debian:bookworm-slim\n"
		   "#1 resolving\n");
	tick(&s, 61000);
	expect(&s, "");
	tick(&s, 61010);
	expect(&s, "#1 still waiting, 1m01s\n");
	set(s.sink, s.plan, 0, NODE_MISSED, 62000);
	expect(&s, "");
	stage_end(&s, sink_plain_free);
}

static void test_tty_look(void **state)
{
	static const char row[] = " one.base            From 127.0.0.1:41637..ebian:"
				  "bookworm-slim  resolving  1.%us\033[K\n";
	CLEANUP(freep) char *first = xasprintf(row, 0U);
	CLEANUP(freep) char *second = xasprintf(row, 1U);
	CLEANUP(freep)
	char *both = xasprintf("\r\033[1A\033[K\n\033[1A           one.base: trying "
			       "again\n%s\033[J",
			       second);
	struct stage s;

	(void)state;
	stage_begin(&s, make_tty, SINK_LOOK);
	set(s.sink, s.plan, 1, NODE_PROBING, 0);
	set(s.sink, s.plan, 1, NODE_CACHED, 10);
	set(s.sink, s.plan, 0, NODE_PROBING, 10);
	tick(&s, 900);
	expect(&s, "");
	tick(&s, 1010);
	expect(&s, first);
	text(&s, EVENT_NOTE, 0, "trying again", 1020);
	tick(&s, 1110);
	expect(&s, both);
	set(s.sink, s.plan, 0, NODE_MISSED, 1200);
	emit(s.sink, s.plan, (struct event){.type = EVENT_END, .node = NODE_NONE});
	expect(&s, "\r\033[1A\033[K\n\033[1A");
	stage_end(&s, sink_tty_free);
}

/* The list is overwritten in place; what ends moves above it. */
static void test_tty_in_place(void **state)
{
	struct stage s;

	(void)state;
	stage_begin(&s, make_tty, SINK_BUILD);
	set(s.sink, s.plan, 0, NODE_PROBING, 0);
	set(s.sink, s.plan, 0, NODE_RUNNING, 0);
	for (uint64_t ms = 100; ms <= 2000; ms += 100)
		progress(&s, 0, ms * 10000, ms);
	tick(&s, 2000);
	expect(&s,
	       "[0/2]                                                                    "
	       "  2.0s\033[K\n"
	       " one.base            downloading 20% of 100.0 MB, 10.0 MB/s, 9s left     "
	       "  2.0s\033[K\n");
	tick(&s, 2100);
	{
		CLEANUP(freep) char *said = news(&s);

		assert_memory_equal(said, "\r\033[2A[0/2]", 10);
		/* Never erase from the first line on: only what is below the last one. */
		assert_string_equal(said + strlen(said) - 5, "K\n\033[J");
	}
	set(s.sink, s.plan, 0, NODE_BUILT, 2200);
	expect(&s, ""); /* with the next tick */
	set(s.sink, s.plan, 1, NODE_PROBING, 2200);
	set(s.sink, s.plan, 1, NODE_RUNNING, 2200);
	text(&s, EVENT_LINE, 1, "\033[1m+ make\033[m\t-j", 2210);
	tick(&s, 2300);
	expect(&s,
	       "\r\033[2A\033[K\n\033[K\n\033[2A"
	       " done      one.base            From 127.0.0.1:41637..debian:bookworm-"
	       "slim  2.2s\n"
	       "[1/2]                                                                    "
	       "  2.3s\033[K\n"
	       " one.post            %post  + make -j                                 "
	       "    100ms\033[K\n\033[J");
	stage_end(&s, sink_tty_free);
}

/* Whatever the output and the names: no line of the list is wider than the terminal. */
static void test_tty_wide(void **state)
{
	static const char *const lines[] = {
		"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xe6\xbc\xa2\xe5\xad\x97",
		"e\xcc\x81\xcc\x81\xcc\x81\ttab\ttab\ttab\ttab\ttab\ttab\ttab\ttab\ttab\t"
		"tab",
		"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f"
		"\x98\x80"
		"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f"
		"\x98\x80"
		"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f"
		"\x98\x80"
		"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f"
		"\x98\x80"
		"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f"
		"\x98\x80",
		"",
	};
	struct stage s;

	(void)state;
	stage_begin(&s, make_tty, SINK_BUILD);
	set(s.sink, s.plan, 1, NODE_PROBING, 0);
	set(s.sink, s.plan, 1, NODE_RUNNING, 0);
	tick(&s, 100);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		CLEANUP(freep) char *said = NULL;
		const char *row, *end;

		text(&s, EVENT_LINE, 1, lines[i], 100);
		free(news(&s));
		tick(&s, 200 + i * 100);
		said = news(&s);
		row = strchr(said, '\n') + 1;
		end = strstr(row, "\033[K");
		assert_in_range(utf8_width(str_make(row, (size_t)(end - row))), 78, 79);
		assert_null(memchr(row, '\t', (size_t)(end - row)));
	}
	/* What stays keeps its tabs. */
	set(s.sink, s.plan, 1, NODE_FAILED, 1000);
	tick(&s, 1000);
	{
		CLEANUP(freep) char *said = news(&s);

		assert_non_null(strstr(said, "\ttab\ttab"));
	}
	stage_end(&s, sink_tty_free);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_tty),
		cmocka_unit_test(test_plain_silence),
		cmocka_unit_test(test_plain_progress),
		cmocka_unit_test(test_plain_names),
		cmocka_unit_test(test_plain_look),
		cmocka_unit_test(test_tty_look),
		cmocka_unit_test(test_tty_in_place),
		cmocka_unit_test(test_tty_wide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
