/* SPDX-License-Identifier: MIT
 * test_sched.c - every node ends exactly once, after everything it waits for, and no more
 * slots are held than there are, whatever fails, misses, nests or is interrupted.
 */
/* links: scheduler */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/vec.h"
#include "scheduler/ready.h"
#include "scheduler/rank.h"
#include "scheduler/sched.h"
#include "tests/fake/cmocka_all.h"

/* ---- a fake executor and a watching sink ---- */

enum { NODES_MAX = 2000 };

struct fake {
	const struct graph *graph;
	unsigned char hit[NODES_MAX], fails[NODES_MAX]; /* what to do */
	bool past_misses;				/* nothing is done but probes */
	unsigned children; /* task_parallel() in each run, nested once */
	unsigned lines;	   /* printed by each run */
	unsigned work_us;
	int interrupt_at; /* node that raises SIGINT in its run; -1: none */
	_Atomic int working, most_working;
	_Atomic int started[NODES_MAX];
	_Atomic int finished[NODES_MAX];
	_Atomic int out_of_order;
};

static void fake_init(struct fake *f, const struct graph *g)
{
	memset(f, 0, sizeof(*f));
	f->graph = g;
	f->interrupt_at = -1;
}

static void work(struct fake *f)
{
	int now = atomic_fetch_add(&f->working, 1) + 1,
	    most = atomic_load(&f->most_working);

	while (now > most && !atomic_compare_exchange_weak(&f->most_working, &most, now))
		;
	if (f->work_us > 0)
		usleep(f->work_us);
	atomic_fetch_sub(&f->working, 1);
}

static struct err *fake_probe(void *self, struct node_id id, struct task *task,
			      enum probe_result *out)
{
	struct fake *f = self;
	struct node_ids before = graph_before(f->graph, id);

	(void)task;
	atomic_fetch_add(&f->started[id.index], 1);
	for (size_t i = 0; i < before.len; i++)
		if (!atomic_load(&f->finished[before.items[i].index]))
			atomic_fetch_add(&f->out_of_order, 1);
	*out = f->hit[id.index] ? PROBE_HIT : PROBE_MISS;
	if (f->hit[id.index] || f->past_misses)
		atomic_store(&f->finished[id.index], 1);
	return NULL;
}

static struct err *grandchild(void *context, size_t index, struct task *task)
{
	(void)index;
	(void)task;
	work(context);
	return NULL;
}

static struct err *child(void *context, size_t index, struct task *task)
{
	work(context);
	return index % 2 ? task_parallel(task, 2, grandchild, context) : NULL;
}

static struct err *fake_run(void *self, struct node_id id, struct task *task)
{
	struct fake *f = self;

	work(f);
	if (f->interrupt_at == (int)id.index) {
		kill(getpid(), SIGINT);
		while (cancel_level(task_cancel(task)) == CANCEL_NONE)
			usleep(1000);
		return cancel_check(task_cancel(task));
	}
	for (unsigned i = 0; i < f->lines; i++) {
		CLEANUP(freep) char *line = xasprintf("%u", i);

		task_line(task, str_of(line));
	}
	TRY(task_parallel(task, f->children, child, f));
	if (f->fails[id.index])
		return err_new(ERR_STEP, "node %u", id.index);
	atomic_store(&f->finished[id.index], 1);
	return NULL;
}

struct watch {
	enum node_state states[NODES_MAX];
	size_t finals[NODES_MAX];
	unsigned next_line[NODES_MAX];
	size_t begins, ends, cancels, bad_lines;
	VEC(uint32_t) order; /* of PROBING */
};

static void watch_emit(void *self, const struct event *e)
{
	struct watch *w = self;

	if (e->type == EVENT_STATE) {
		w->states[e->node.index] = e->state;
		w->finals[e->node.index] += node_state_is_final(e->state);
		if (e->state == NODE_PROBING)
			vec_push(&w->order, e->node.index);
	} else if (e->type == EVENT_LINE) {
		CLEANUP(freep)
		char *wanted = xasprintf("%u", w->next_line[e->node.index]++);

		w->bad_lines += strcmp(wanted, e->text) != 0;
	}
	w->begins += e->type == EVENT_BEGIN;
	w->ends += e->type == EVENT_END;
	w->cancels += e->type == EVENT_CANCEL;
}

struct outcome {
	struct sched_result result;
	struct watch watch;
	struct err *error;
};

static struct outcome *run(struct fake *f, struct sched_options options)
{
	struct outcome *o = xcalloc(1, sizeof(*o));
	struct event_sink sink = {&o->watch, watch_emit};
	struct executor x = {f, fake_probe, fake_run};

	options.sinks = &sink;
	options.n_sinks = 1;
	o->error = sched_run(f->graph, &x, &options, &o->result);
	assert_int_equal(o->watch.begins, 1);
	assert_int_equal(o->watch.ends, 1);
	/* A missed node is not finished. */
	if (!options.past_misses)
		assert_int_equal(atomic_load(&f->out_of_order), 0);
	assert_true(atomic_load(&f->most_working) <= (int)options.jobs);
	for (size_t i = 0; i < o->result.n; i++) {
		assert_int_equal(o->watch.finals[i], 1);
		assert_true(node_state_is_final(o->result.states[i]));
		assert_int_equal(o->watch.states[i], o->result.states[i]);
		assert_true(atomic_load(&f->started[i]) <= 1);
	}
	return o;
}

static void outcome_free(struct outcome *o)
{
	err_free(o->error);
	sched_result_release(&o->result);
	vec_free(&o->watch.order);
	free(o);
}

/* ---- graphs ---- */

static struct graph *make_graph(unsigned n, const unsigned (*edges)[2], size_t n_edges,
				const uint64_t *costs)
{
	struct graph_builder *b = graph_builder_new();
	struct graph *g = NULL;

	for (unsigned i = 0; i < n; i++)
		graph_builder_add(b, "node", NULL, costs ? costs[i] : 1);
	for (size_t i = 0; i < n_edges; i++)
		graph_builder_edge(b, (struct node_id){edges[i][0]},
				   (struct node_id){edges[i][1]});
	assert_ok(graph_builder_freeze(b, &g));
	graph_builder_free(b);
	return g;
}

/* 0 -> 1 -> 3, 0 -> 2 -> 3 */
static const unsigned DIAMOND[][2] = {{2, 3}, {0, 1}, {0, 2}, {1, 3}, {0, 1}};

static void test_graph(void **state)
{
	CLEANUP(graph_freep) struct graph *g = make_graph(4, DIAMOND, 5, NULL);
	struct node_ids after = graph_after(g, (struct node_id){0});
	struct node_ids before = graph_before(g, (struct node_id){3});
	struct node_ids order = graph_order(g);

	(void)state;
	assert_int_equal(after.len, 2); /* one edge was given twice */
	assert_int_equal(after.items[0].index, 1);
	assert_int_equal(after.items[1].index, 2);
	assert_int_equal(before.len, 2);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(order.items[i].index, i);
}

static void test_graph_cycle(void **state)
{
	struct graph_builder *b = graph_builder_new();
	struct graph *g = NULL;
	struct node_id a = graph_builder_add(b, "a", NULL, 0);
	struct node_id c = graph_builder_add(b, "c", NULL, 0);
	struct err *e;

	(void)state;
	graph_builder_edge(b, a, c);
	graph_builder_edge(b, c, a);
	e = graph_builder_freeze(b, &g);
	assert_non_null(e);
	assert_int_equal(err_code(e), ERR_SYNTAX);
	assert_non_null(strstr(err_text(e), "'a'"));
	err_free(e);
	graph_builder_free(b);
}

static void test_ready_heap(void **state)
{
	CLEANUP(ready_release) struct ready r = READY_INIT;
	struct node_id id;
	uint64_t last = UINT64_MAX;
	uint32_t last_id = 0;
	unsigned n = 0;

	(void)state;
	for (uint32_t i = 0; i < 500; i++)
		ready_push(&r, (struct node_id){i}, (i * 7919) % 13);
	while (ready_pop(&r, &id)) {
		uint64_t priority = ((uint64_t)id.index * 7919) % 13;

		assert_true(priority < last || (priority == last && id.index > last_id));
		last = priority;
		last_id = id.index;
		n++;
	}
	assert_int_equal(n, 500);
}

/* The longest path counts, not the most expensive node. */
static void test_rank(void **state)
{
	static const uint64_t costs[] = {5, 1, 100, 1};
	CLEANUP(graph_freep) struct graph *g = make_graph(4, DIAMOND, 5, costs);
	CLEANUP(freep) uint64_t *rank = rank_critical_path(g);

	(void)state;
	assert_true(rank[0] > rank[2] && rank[2] > rank[1] && rank[1] > rank[3]);
}

static void test_cancel(void **state)
{
	struct cancel *c = NULL;

	(void)state;
	assert_ok(cancel_new(&c));
	assert_ok(cancel_check(c));
	cancel_raise(c, CANCEL_NOW);
	cancel_raise(c, CANCEL_ASKED); /* never lowers */
	assert_int_equal(cancel_level(c), CANCEL_NOW);
	assert_err(ERR_CANCELLED, cancel_check(c));
	cancel_free(c);
}

/* ---- runs ---- */

/* With one slot the order is that of the critical path. */
static void test_order(void **state)
{
	static const uint64_t costs[] = {1, 1, 100, 1};
	CLEANUP(graph_freep) struct graph *g = make_graph(4, DIAMOND, 5, costs);
	static struct fake f;
	struct outcome *o;

	(void)state;
	fake_init(&f, g);
	o = run(&f, (struct sched_options){.jobs = 1});
	assert_null(o->error);
	assert_int_equal(o->result.counts[NODE_BUILT], 4);
	assert_int_equal(o->watch.order.items[1], 2);
	outcome_free(o);
}

static void test_hits(void **state)
{
	CLEANUP(graph_freep) struct graph *g = make_graph(4, DIAMOND, 5, NULL);
	static struct fake f;
	struct outcome *o;

	(void)state;
	fake_init(&f, g);
	f.hit[0] = f.hit[1] = 1;
	o = run(&f, (struct sched_options){.jobs = 4});
	assert_int_equal(o->result.counts[NODE_CACHED], 2);
	assert_int_equal(o->result.counts[NODE_BUILT], 2);
	outcome_free(o);
}

/* The first failure stops what depends on it. */
static void test_failure(void **state)
{
	CLEANUP(graph_freep) struct graph *g = make_graph(4, DIAMOND, 5, NULL);
	static struct fake f;
	struct outcome *o;

	(void)state;
	fake_init(&f, g);
	f.fails[1] = 1;
	o = run(&f, (struct sched_options){.jobs = 1});
	assert_int_equal(err_code(o->error), ERR_STEP);
	assert_string_equal(err_text(o->error), "node 1");
	assert_int_equal(o->result.states[1], NODE_FAILED);
	assert_int_equal(o->result.states[3], NODE_SKIPPED);
	outcome_free(o);
}

static void test_probe_only(void **state)
{
	CLEANUP(graph_freep) struct graph *g = make_graph(4, DIAMOND, 5, NULL);
	static struct fake f;
	struct outcome *o;

	(void)state;
	fake_init(&f, g);
	f.hit[0] = f.hit[2] = 1;
	o = run(&f, (struct sched_options){.jobs = 2, .probe_only = true});
	assert_null(o->error);
	assert_int_equal(o->result.states[1], NODE_MISSED);
	assert_int_equal(o->result.states[2], NODE_CACHED);
	assert_int_equal(o->result.states[3], NODE_SKIPPED);
	outcome_free(o);
	fake_init(&f, g);
	o = run(&f, (struct sched_options){
			    .jobs = 1, .probe_only = true, .stop_at_miss = true});
	assert_int_equal(o->result.states[0], NODE_MISSED);
	assert_int_equal(o->result.counts[NODE_SKIPPED], 3);
	outcome_free(o);
	/* With past_misses everything is probed, in order. */
	fake_init(&f, g);
	f.hit[2] = 1;
	f.past_misses = true;
	o = run(&f, (struct sched_options){
			    .jobs = 1, .probe_only = true, .past_misses = true});
	assert_int_equal(o->result.counts[NODE_MISSED], 3);
	assert_int_equal(o->result.counts[NODE_CACHED], 1);
	outcome_free(o);
}

/* Children of children need no slot besides their ancestor's. */
static void test_children_with_one_slot(void **state)
{
	CLEANUP(graph_freep) struct graph *g = make_graph(4, DIAMOND, 5, NULL);
	static struct fake f;
	struct outcome *o;

	(void)state;
	fake_init(&f, g);
	f.children = 5;
	o = run(&f, (struct sched_options){.jobs = 1});
	assert_int_equal(o->result.counts[NODE_BUILT], 4);
	outcome_free(o);
}

/* More lines than the queue holds: none is lost, none out of order. */
static void test_many_lines(void **state)
{
	CLEANUP(graph_freep) struct graph *g = make_graph(4, DIAMOND, 5, NULL);
	static struct fake f;
	struct outcome *o;

	(void)state;
	fake_init(&f, g);
	f.lines = 10000;
	o = run(&f, (struct sched_options){.jobs = 4});
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(o->watch.next_line[i], 10000);
	assert_int_equal(o->watch.bad_lines, 0);
	outcome_free(o);
}

static void test_interrupt(void **state)
{
	CLEANUP(graph_freep) struct graph *g = make_graph(4, DIAMOND, 5, NULL);
	static struct fake f;
	struct outcome *o;

	(void)state;
	fake_init(&f, g);
	f.interrupt_at = 0;
	o = run(&f, (struct sched_options){.jobs = 2});
	assert_int_equal(err_code(o->error), ERR_CANCELLED);
	assert_int_equal(o->result.states[0], NODE_CANCELLED);
	assert_int_equal(o->result.counts[NODE_SKIPPED], 3);
	assert_int_equal(o->watch.cancels, 1);
	outcome_free(o);
}

/* ---- what a task may borrow ---- */

static struct err *borrow_run(void *self, struct node_id id, struct task *task)
{
	unsigned *got = self;

	(void)id;
	*got = task_borrow(task, 100);
	task_return(task, *got);
	task_wait_begin(task);
	task_wait_end(task);
	return NULL;
}

static struct err *miss(void *self, struct node_id id, struct task *task,
			enum probe_result *out)
{
	(void)self;
	(void)id;
	(void)task;
	*out = PROBE_MISS;
	return NULL;
}

static void test_borrow(void **state)
{
	CLEANUP(graph_freep) struct graph *g = make_graph(1, NULL, 0, NULL);
	struct sched_options options = {.jobs = 5};
	struct sched_result result = SCHED_RESULT_INIT;
	unsigned got = 0;
	struct executor x = {&got, miss, borrow_run};

	(void)state;
	assert_ok(sched_run(g, &x, &options, &result));
	assert_int_equal(got, 4);
	sched_result_release(&result);
}

/* ---- random graphs, failures, hits, nesting, jobs ---- */

static uint64_t seed;

static unsigned pick(unsigned n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(seed >> 33) % n;
}

static struct graph *random_graph(unsigned n)
{
	struct graph_builder *b = graph_builder_new();
	struct graph *g = NULL;

	for (unsigned i = 0; i < n; i++) {
		graph_builder_add(b, "node", NULL, pick(100));
		for (unsigned k = pick(4); i > 0 && k > 0; k--)
			graph_builder_edge(b, (struct node_id){pick(i)},
					   (struct node_id){i});
	}
	assert_ok(graph_builder_freeze(b, &g));
	graph_builder_free(b);
	return g;
}

static void test_random(void **state)
{
	static struct fake f;

	(void)state;
	for (unsigned round = 0; round < 120; round++) {
		unsigned n = 1 + pick(150);
		CLEANUP(graph_freep) struct graph *g = random_graph(n);
		struct outcome *o;

		fake_init(&f, g);
		f.children = pick(4);
		f.lines = pick(3);
		f.work_us = pick(2) * 20;
		for (unsigned i = 0; i < n; i++) {
			f.hit[i] = pick(3) == 0;
			f.fails[i] = round % 2 && pick(60) == 0;
		}
		if (round % 10 == 9)
			f.interrupt_at = (int)pick(n);
		o = run(&f, (struct sched_options){.jobs = 1 + pick(16)});
		if (!o->error)
			assert_int_equal(o->result.counts[NODE_CACHED] +
						 o->result.counts[NODE_BUILT],
					 n);
		outcome_free(o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_graph),
		cmocka_unit_test(test_graph_cycle),
		cmocka_unit_test(test_ready_heap),
		cmocka_unit_test(test_rank),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_hits),
		cmocka_unit_test(test_failure),
		cmocka_unit_test(test_probe_only),
		cmocka_unit_test(test_children_with_one_slot),
		cmocka_unit_test(test_many_lines),
		cmocka_unit_test(test_interrupt),
		cmocka_unit_test(test_borrow),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
