/* SPDX-License-Identifier: MIT
 * test_flight.c - many steps of one key: one is in at a time, and all get in; when one
 * has failed, no other tries again.
 */
/* links: engine */
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "engine/work/flight.h"
#include "scheduler/sched.h"
#include "tests/fake/cmocka_all.h"

enum { STEPS = 200, WORK_US = 30000 };

struct many {
	struct flight_table *flights;
	bool fails;
	_Atomic int in, most_in, done, waited;
};

/* The first works longer than a waiting task keeps its slot. */
static struct err *enter_and_leave(void *self, struct node_id id, struct task *task,
				   enum probe_result *out)
{
	struct many *m = self;
	struct digest key = {.kind = DIGEST_SHA256};
	struct err *e = NULL;
	bool waited;
	int now;

	*out = PROBE_HIT;
	TRY(flight_enter(m->flights, &key, task, &waited));
	now = atomic_fetch_add(&m->in, 1) + 1;
	if (now > atomic_load(&m->most_in))
		atomic_store(&m->most_in, now);
	if (atomic_fetch_add(&m->done, 1) == 0)
		usleep(WORK_US);
	if (m->fails)
		e = err_new(ERR_STEP, "node %u", id.index);
	atomic_fetch_add(&m->waited, waited);
	atomic_fetch_sub(&m->in, 1);
	flight_leave(m->flights, &key, e);
	return e;
}

static struct err *run_many(struct many *m, struct sched_result *result)
{
	struct executor x = {.self = m, .probe = enter_and_leave};
	struct sched_options options = {.jobs = 4};
	struct graph_builder *b = graph_builder_new();
	CLEANUP(graph_freep) struct graph *g = NULL;
	struct err *e;

	for (int i = 0; i < STEPS; i++)
		graph_builder_add(b, "node", NULL, 1);
	assert_ok(graph_builder_freeze(b, &g));
	graph_builder_free(b);
	m->flights = flight_table_new(NULL);
	e = sched_run(g, &x, &options, result);
	flight_table_free(m->flights);
	return e;
}

static void test_one_at_a_time(void **state)
{
	struct sched_result result = SCHED_RESULT_INIT;
	struct many m = {0};

	(void)state;
	assert_ok(run_many(&m, &result));
	assert_int_equal(m.most_in, 1);
	assert_int_equal(m.done, STEPS);
	assert_true(m.waited > 0);
	assert_int_equal(result.counts[NODE_CACHED], STEPS);
	sched_result_release(&result);
}

static void test_fails_once(void **state)
{
	struct sched_result result = SCHED_RESULT_INIT;
	struct many m = {.fails = true};
	CLEANUP(err_freep) struct err *e = NULL;
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	(void)state;
	e = run_many(&m, &result);
	assert_non_null(e);
	err_render(e, &text);
	assert_int_equal(err_code(e), ERR_STEP);
	assert_null(strstr(buf_text(&text), "also"));
	assert_int_equal(m.done, 1);
	assert_int_equal(result.counts[NODE_FAILED], 1);
	assert_true(result.counts[NODE_CANCELLED] > 0);
	assert_int_equal(result.counts[NODE_CANCELLED] + result.counts[NODE_SKIPPED],
			 STEPS - 1);
	sched_result_release(&result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_at_a_time),
		cmocka_unit_test(test_fails_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
