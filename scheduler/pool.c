/* SPDX-License-Identifier: MIT
 * pool.c - see pool.h.
 *
 * A task that starts children runs them itself while it has its slot; other workers help
 * when slots are free.  When all its children are taken but some still run, it lends its
 * slot out until they have ended.  So one slot in all is enough, however deep children
 * nest.
 */
#include "scheduler/pool.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/thread.h"
#include "base/vec.h"
#include "scheduler/ready.h"

/* How often a task's progress is passed on. */
static const uint64_t PROGRESS_EVERY_NS = 100000000;

struct task {
	struct pool *pool;
	struct node_id node;
	uint64_t progress_ns; /* when progress was last passed on */
};

/* The children of one task_parallel() call; on its caller's stack. */
struct task_group {
	struct task_group *next;
	struct node_id node;
	task_fn fn;
	void *context;
	size_t count;
	size_t started;
	unsigned running;
	struct err *error;
};

struct pool {
	struct pool_options options;
	pthread_mutex_t lock;	 /* guards everything below */
	pthread_cond_t work;	 /* for idle threads: there may be work and a slot */
	pthread_cond_t returned; /* for tasks that want their slot back */
	pthread_cond_t ended;	 /* a group's last child has ended */
	unsigned free_slots;
	unsigned returning; /* tasks that wait for their slot */
	unsigned idle;	    /* threads that wait for work */
	bool stopped, quitting;
	size_t withdrawn; /* offered nodes that no worker is going to take */
	struct ready ready;
	struct task_group *groups; /* groups with children to start; newest first */
	VEC(pthread_t) threads;
};

static void *worker_main(void *pool);

/* ---- under the lock ---- */

static bool has_work(const struct pool *p)
{
	return p->groups || p->ready.len > 0;
}

static bool has_slot(const struct pool *p)
{
	return p->free_slots > p->returning;
}

/* Something may have become possible: wake one waiting thread, which wakes the next, and
 * make sure that a thread is there to take work. */
static void kick(struct pool *p)
{
	pthread_t thread;
	struct err *e;

	if (p->returning > 0 && p->free_slots > 0)
		pthread_cond_broadcast(&p->returned);
	if (!has_work(p) || !has_slot(p))
		return;
	if (p->idle > 0) {
		pthread_cond_signal(&p->work);
		return;
	}
	e = thread_start(&thread, worker_main, p);
	if (e) {
		err_ignore(e, "those there are do the work");
		return;
	}
	p->idle++; /* until it looks for itself */
	vec_push(&p->threads, thread);
}

static void slot_lend(struct pool *p)
{
	p->free_slots++;
	kick(p);
}

static void slot_take_back(struct pool *p)
{
	p->returning++;
	while (p->free_slots == 0)
		pthread_cond_wait(&p->returned, &p->lock);
	p->returning--;
	p->free_slots--;
}

static void group_unlink(struct pool *p, struct task_group *g)
{
	struct task_group **link = &p->groups;

	while (*link && *link != g)
		link = &(*link)->next;
	if (*link)
		*link = g->next;
}

/* Run the group's next child; the caller holds a slot and the lock, which is released
 * meanwhile. */
static void run_child(struct pool *p, struct task_group *g)
{
	struct task task = {.pool = p, .node = g->node};
	size_t index = g->started++;
	struct err *e;

	g->running++;
	if (g->started == g->count)
		group_unlink(p, g);
	kick(p);
	pthread_mutex_unlock(&p->lock);
	e = g->fn(g->context, index, &task);
	pthread_mutex_lock(&p->lock);
	if (e) {
		g->error = err_join(g->error, e);
		g->started = g->count;
		group_unlink(p, g);
	}
	if (--g->running == 0)
		pthread_cond_broadcast(&p->ended);
}

/* ---- nodes ---- */

/* May the conductor hear of a result later?  Yes while probing, if there is enough to do
 * without it: a probe can take less time than waking it. */
static bool can_wait(struct pool *p)
{
	bool busy;

	if (!p->options.probe_only)
		return false;
	pthread_mutex_lock(&p->lock);
	busy = p->ready.len > 2 * (size_t)p->options.jobs;
	pthread_mutex_unlock(&p->lock);
	return busy;
}

static void post_done(struct pool *p, struct node_id id, enum node_state state,
		      struct err *error)
{
	struct message *m = message_new(MESSAGE_DONE, id, STR(""));

	if (error)
		state = err_code(error) == ERR_CANCELLED ? NODE_CANCELLED : NODE_FAILED;
	m->state = state;
	m->error = error;
	/* Now, not when the conductor reads it: nothing new starts after a failure. */
	if (error || (state == NODE_MISSED && p->options.stop_at_miss))
		pool_stop(p);
	if (state == NODE_CACHED && can_wait(p))
		message_post_later(p->options.queue, m);
	else
		message_post(p->options.queue, m);
}

static void run_node(struct pool *p, struct node_id id)
{
	const struct executor *x = p->options.executor;
	struct task task = {.pool = p, .node = id};
	enum probe_result result = PROBE_MISS;
	struct err *e;

	message_post_later(p->options.queue, message_new(MESSAGE_PROBING, id, STR("")));
	e = x->probe(x->self, id, &task, &result);
	if (e || result == PROBE_HIT) {
		post_done(p, id, NODE_CACHED, e);
		return;
	}
	if (p->options.probe_only) {
		post_done(p, id, NODE_MISSED, NULL);
		return;
	}
	message_post(p->options.queue, message_new(MESSAGE_RUNNING, id, STR("")));
	post_done(p, id, NODE_BUILT, x->run(x->self, id, &task));
}

/* When a slot comes free and there is more work, the same thread takes it again. */
static void work_once(struct pool *p)
{
	struct node_id id;

	p->free_slots--;
	if (p->groups) {
		run_child(p, p->groups);
	} else if (ready_pop(&p->ready, &id)) {
		kick(p);
		pthread_mutex_unlock(&p->lock);
		run_node(p, id);
		pthread_mutex_lock(&p->lock);
	}
	p->free_slots++;
	if (p->returning > 0)
		pthread_cond_broadcast(&p->returned);
}

static void *worker_main(void *pool)
{
	struct pool *p = pool;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		while (!p->quitting && !(has_work(p) && has_slot(p)))
			pthread_cond_wait(&p->work, &p->lock);
		if (p->quitting)
			break;
		p->idle--;
		work_once(p);
		p->idle++;
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* ---- for the conductor ---- */

struct pool *pool_new(const struct pool_options *options)
{
	struct pool *p = xcalloc(1, sizeof(*p));

	p->options = *options;
	p->free_slots = options->jobs > 0 ? options->jobs : 1;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	pthread_cond_init(&p->returned, NULL);
	pthread_cond_init(&p->ended, NULL);
	return p;
}

void pool_free(struct pool *p)
{
	pthread_mutex_lock(&p->lock);
	p->quitting = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	for (size_t i = 0; i < p->threads.len; i++)
		pthread_join(p->threads.items[i], NULL);
	vec_free(&p->threads);
	ready_release(&p->ready);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->work);
	pthread_cond_destroy(&p->returned);
	pthread_cond_destroy(&p->ended);
	free(p);
}

void pool_offer(struct pool *p, const struct node_id *nodes, size_t n,
		const uint64_t *rank)
{
	pthread_mutex_lock(&p->lock);
	if (p->stopped)
		p->withdrawn += n;
	for (size_t i = 0; i < n && !p->stopped; i++)
		ready_push(&p->ready, nodes[i], rank[nodes[i].index]);
	kick(p);
	pthread_mutex_unlock(&p->lock);
}

void pool_stop(struct pool *p)
{
	pthread_mutex_lock(&p->lock);
	p->stopped = true;
	p->withdrawn += p->ready.len;
	p->ready.len = 0;
	pthread_mutex_unlock(&p->lock);
}

size_t pool_withdrawn(struct pool *p)
{
	size_t n;

	pthread_mutex_lock(&p->lock);
	n = p->withdrawn;
	pthread_mutex_unlock(&p->lock);
	return n;
}

/* ---- for tasks: executor.h ---- */

const struct cancel *task_cancel(const struct task *t)
{
	return t->pool->options.cancel;
}

void task_stop_run(struct task *t)
{
	pool_stop(t->pool);
	cancel_raise(t->pool->options.cancel, CANCEL_NOW);
}

void task_line(struct task *t, struct str line)
{
	message_post(t->pool->options.queue, message_new(MESSAGE_LINE, t->node, line));
}

void task_note(struct task *t, const char *format, ...)
{
	CLEANUP(freep) char *text = NULL;
	va_list args;

	va_start(args, format);
	text = xvasprintf(format, args);
	va_end(args);
	message_post(t->pool->options.queue,
		     message_new(MESSAGE_NOTE, t->node, str_of(text)));
}

void task_progress(struct task *t, const char *activity, uint64_t done, uint64_t total)
{
	uint64_t now = clock_mono_ns();
	struct message *m;

	if (now - t->progress_ns < PROGRESS_EVERY_NS && (total == 0 || done < total))
		return;
	t->progress_ns = now;
	m = message_new(MESSAGE_PROGRESS, t->node, STR(""));
	m->activity = activity;
	m->done = done;
	m->total = total;
	message_post(t->pool->options.queue, m);
}

struct err *task_parallel(struct task *t, size_t count, task_fn fn, void *context)
{
	struct task_group g = {
		.node = t->node, .fn = fn, .context = context, .count = count};
	struct pool *p = t->pool;

	if (count == 0)
		return NULL;
	pthread_mutex_lock(&p->lock);
	g.next = p->groups;
	p->groups = &g;
	kick(p);
	while (g.started < g.count)
		run_child(p, &g);
	if (g.running > 0) {
		slot_lend(p);
		while (g.running > 0)
			pthread_cond_wait(&p->ended, &p->lock);
		slot_take_back(p);
	}
	pthread_mutex_unlock(&p->lock);
	return g.error;
}

struct shared {
	parallel_fn fn;
	void *context;
};

static struct err *do_shared(void *context, size_t index, struct task *task)
{
	const struct shared *s = context;
	struct parallel own = task_shares(task);

	return s->fn(s->context, index, &own);
}

static struct err *share(void *self, size_t count, parallel_fn fn, void *context)
{
	struct shared s = {.fn = fn, .context = context};

	return task_parallel(self, count, do_shared, &s);
}

struct parallel task_shares(struct task *t)
{
	return (struct parallel){.self = t, .each = share};
}

void task_wait_begin(struct task *t)
{
	pthread_mutex_lock(&t->pool->lock);
	slot_lend(t->pool);
	pthread_mutex_unlock(&t->pool->lock);
}

void task_wait_end(struct task *t)
{
	pthread_mutex_lock(&t->pool->lock);
	slot_take_back(t->pool);
	pthread_mutex_unlock(&t->pool->lock);
}

unsigned task_borrow(struct task *t, unsigned most)
{
	struct pool *p = t->pool;
	unsigned n = 0;

	pthread_mutex_lock(&p->lock);
	if (!has_work(p) && has_slot(p))
		n = p->free_slots - p->returning;
	if (n > most)
		n = most;
	p->free_slots -= n;
	pthread_mutex_unlock(&p->lock);
	return n;
}

void task_return(struct task *t, unsigned count)
{
	pthread_mutex_lock(&t->pool->lock);
	t->pool->free_slots += count;
	kick(t->pool);
	pthread_mutex_unlock(&t->pool->lock);
}
