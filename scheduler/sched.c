/* SPDX-License-Identifier: MIT
 * sched.c - the conductor: see sched.h.
 *
 * All node states live here, and only set_state() changes them.  Workers report through
 * the message queue; the conductor waits for messages, signals and ticks in one poll(2).
 */
#include "scheduler/sched.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/interrupt.h"
#include "base/vec.h"
#include "scheduler/message.h"
#include "scheduler/pool.h"
#include "scheduler/rank.h"

static const int TICK_MS = 100;
static const uint64_t SLOW_SINK_NS = 90000000;

struct conductor {
	const struct graph *graph;
	const struct sched_options *options;
	struct sched_result *result;
	struct cancel *cancel;
	struct message_queue queue;
	struct pool *pool;
	uint64_t *rank;
	size_t *missing;	   /* by node: how many before it are not done */
	uint64_t *started_ns;	   /* by node */
	VEC(struct node_id) ready; /* not yet given to the pool */
	size_t offered, done;	   /* nodes given to the pool, and returned */
	int interrupt_fd;	   /* of interrupt_listen() */
	bool is_mute;
	struct err *error; /* first one; others attached */
};

/* ---- events and states ---- */

/* After a signal we do not wait for a reader that does not read: calls that wait in a
 * sink are interrupted (interrupt.h), and the sinks get no more. */
static void emit(struct conductor *c, struct event *event)
{
	uint64_t began_ns = clock_mono_ns();

	if (c->is_mute)
		return;
	if (event->time_ns == 0)
		event->time_ns = began_ns;
	event->graph = c->graph;
	for (size_t i = 0; i < c->options->n_sinks; i++)
		c->options->sinks[i].emit(c->options->sinks[i].self, event);
	c->is_mute = interrupt_came() && clock_mono_ns() - began_ns > SLOW_SINK_NS;
}

/* Which states may follow which: the diagram in event.h. */
static bool is_legal(enum node_state from, enum node_state to)
{
	static const unsigned next[NODE_STATES] = {
		[NODE_WAITING] = 1U << NODE_READY | 1U << NODE_SKIPPED,
		[NODE_READY] = 1U << NODE_PROBING | 1U << NODE_SKIPPED,
		[NODE_PROBING] = 1U << NODE_CACHED | 1U << NODE_MISSED |
				 1U << NODE_RUNNING | 1U << NODE_FAILED |
				 1U << NODE_CANCELLED,
		[NODE_RUNNING] =
			1U << NODE_BUILT | 1U << NODE_FAILED | 1U << NODE_CANCELLED,
	};

	return (next[from] >> to & 1U) != 0;
}

static void set_state(struct conductor *c, struct node_id id, enum node_state state,
		      uint64_t time_ns, const struct err *error)
{
	enum node_state *current = &c->result->states[id.index];
	struct event event = {.type = EVENT_STATE,
			      .node = id,
			      .state = state,
			      .time_ns = time_ns,
			      .error = error};

	assert(is_legal(*current, state));
	c->result->counts[*current]--;
	c->result->counts[state]++;
	*current = state;
	if (state == NODE_PROBING)
		c->started_ns[id.index] = time_ns;
	else if (node_state_is_final(state) && c->started_ns[id.index] > 0)
		c->result->elapsed_ns[id.index] = time_ns - c->started_ns[id.index];
	emit(c, &event);
}

static void make_ready(struct conductor *c, struct node_id id)
{
	set_state(c, id, NODE_READY, 0, NULL);
	vec_push(&c->ready, id);
}

/* Nodes that became ready together are offered together: one by one, an idle worker would
 * take the first node rather than the most urgent. */
static void offer(struct conductor *c)
{
	if (c->ready.len == 0)
		return;
	c->offered += c->ready.len;
	pool_offer(c->pool, c->ready.items, c->ready.len, c->rank);
	c->ready.len = 0;
}

/* ---- messages ---- */

static void on_done(struct conductor *c, struct message *m)
{
	struct node_ids after = graph_after(c->graph, m->node);

	c->done++;
	set_state(c, m->node, m->state, m->time_ns, m->error);
	c->error = err_join(c->error, STEAL(m->error));
	if (m->state != NODE_CACHED && m->state != NODE_BUILT &&
	    !(m->state == NODE_MISSED && c->options->past_misses))
		return;
	for (size_t i = 0; i < after.len; i++)
		if (--c->missing[after.items[i].index] == 0)
			make_ready(c, after.items[i]);
}

static void pass_on(struct conductor *c, const struct message *m, enum event_type type)
{
	struct event event = {
		.type = type,
		.node = m->node,
		.time_ns = m->time_ns,
		.text = type == EVENT_PROGRESS ? m->activity : m->text,
		.done = m->done,
		.total = m->total,
	};

	emit(c, &event);
}

static void on_message(struct conductor *c, struct message *m)
{
	switch (m->type) {
	case MESSAGE_PROBING:
		set_state(c, m->node, NODE_PROBING, m->time_ns, NULL);
		break;
	case MESSAGE_RUNNING:
		set_state(c, m->node, NODE_RUNNING, m->time_ns, NULL);
		break;
	case MESSAGE_DONE:
		on_done(c, m);
		break;
	case MESSAGE_LINE:
		pass_on(c, m, EVENT_LINE);
		break;
	case MESSAGE_NOTE:
		pass_on(c, m, EVENT_NOTE);
		break;
	case MESSAGE_PROGRESS:
		pass_on(c, m, EVENT_PROGRESS);
		break;
	}
}

static void drain(struct conductor *c)
{
	struct message *next;

	for (struct message *m = message_take_all(&c->queue); m; m = next) {
		next = m->next;
		on_message(c, m);
		message_free(m);
	}
	offer(c);
}

/* ---- signals ---- */

/* The first signal asks, the second insists. */
static void on_signal(struct conductor *c)
{
	uint64_t signals = 0;
	bool first = cancel_level(c->cancel) == CANCEL_NONE;
	struct event event = {.type = EVENT_CANCEL, .node = NODE_NONE};
	enum cancel_level level;

	if (read(c->interrupt_fd, &signals, sizeof(signals)) != (ssize_t)sizeof(signals))
		return;
	level = first && signals == 1 ? CANCEL_ASKED : CANCEL_NOW;
	event.level = (int)level;
	pool_stop(c->pool);
	cancel_raise(c->cancel, level);
	emit(c, &event);
}

static void wait_for_something(struct conductor *c)
{
	struct pollfd fds[] = {
		{.fd = c->queue.fd, .events = POLLIN},
		{.fd = c->interrupt_fd, .events = POLLIN},
	};
	int n = poll(fds, ARRAY_LEN(fds), TICK_MS);

	if (n > 0 && fds[1].revents)
		on_signal(c);
}

/* ---- the run ---- */

static void run(struct conductor *c)
{
	struct event begin = {.type = EVENT_BEGIN, .node = NODE_NONE};
	struct event end = {.type = EVENT_END, .node = NODE_NONE};
	uint64_t ticked_ns = clock_mono_ns();

	emit(c, &begin);
	for (uint32_t i = 0; i < c->result->n; i++)
		if (c->missing[i] == 0)
			make_ready(c, (struct node_id){i});
	offer(c);
	while (c->done + pool_withdrawn(c->pool) < c->offered) {
		struct event tick = {.type = EVENT_TICK, .node = NODE_NONE};

		wait_for_something(c);
		drain(c);
		/* Messages that arrive without a pause must not hold up the ticks. */
		if (clock_mono_ns() - ticked_ns >= (uint64_t)TICK_MS * 1000000) {
			ticked_ns = clock_mono_ns();
			emit(c, &tick);
		}
	}
	for (uint32_t i = 0; i < c->result->n; i++)
		if (!node_state_is_final(c->result->states[i]))
			set_state(c, (struct node_id){i}, NODE_SKIPPED, 0, NULL);
	emit(c, &end);
}

static struct err *prepare(struct conductor *c, const struct executor *x)
{
	struct pool_options pool = {
		.jobs = c->options->jobs,
		.probe_only = c->options->probe_only,
		.stop_at_miss = c->options->stop_at_miss,
		.executor = x,
		.queue = &c->queue,
	};
	size_t n = graph_size(c->graph);

	TRY(cancel_new(&c->cancel));
	TRY(message_queue_init(&c->queue));
	pool.cancel = c->cancel;
	c->pool = pool_new(&pool);
	c->rank = rank_critical_path(c->graph);
	c->missing = xcalloc(n, sizeof(*c->missing));
	c->started_ns = xcalloc(n, sizeof(*c->started_ns));
	for (uint32_t i = 0; i < n; i++)
		c->missing[i] = graph_before(c->graph, (struct node_id){i}).len;
	c->result->states = xcalloc(n, sizeof(*c->result->states));
	c->result->elapsed_ns = xcalloc(n, sizeof(*c->result->elapsed_ns));
	c->result->n = n;
	c->result->counts[NODE_WAITING] = n;
	return NULL;
}

static void finish(struct conductor *c)
{
	if (c->pool) {
		pool_free(c->pool);
		/* Take what a worker said after its result. */
		drain(c);
		message_queue_release(&c->queue);
	}
	cancel_free(c->cancel);
	vec_free(&c->ready);
	free(c->rank);
	free(c->missing);
	free(c->started_ns);
}

static struct err *conduct(struct conductor *c, const struct executor *x)
{
	struct err *e = prepare(c, x);

	if (!e) {
		run(c);
		e = c->error;
	}
	if (!e && (cancel_level(c->cancel) != CANCEL_NONE || interrupt_came()))
		e = err_new(ERR_CANCELLED, "interrupted");
	finish(c);
	return e;
}

struct err *sched_run(const struct graph *g, const struct executor *x,
		      const struct sched_options *options, struct sched_result *result)
{
	struct conductor c = {.graph = g, .options = options, .result = result};
	struct err *e;

	TRY(interrupt_listen(&c.interrupt_fd));
	e = conduct(&c, x);
	interrupt_unlisten();
	return e;
}

void sched_result_release(struct sched_result *r)
{
	free(r->states);
	free(r->elapsed_ns);
	*r = (struct sched_result){0};
}
