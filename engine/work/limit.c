/* SPDX-License-Identifier: MIT
 * limit.c - see limit.h.
 */
#include "engine/work/limit.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/thread.h"
#include "base/vec.h"
#include "cache/gc.h"
#include "cache/inventory.h"
#include "cache/lease.h"
#include "cache/older.h"
#include "engine/work/step.h"

/* Between two samples; more when a sample takes long, so that sampling costs at most a
 * fifth of a thread. */
static const uint64_t SAMPLE_NS = 500000000;
static const uint64_t COST_FACTOR = 4;
/* For how many samples past the ceiling we wait for a younger process to give way. */
static const unsigned PATIENCE = 3;
/* What a step that never ran is expected to add. */
static const struct usage UNKNOWN_STEP = {.bytes = 16 << 20, .files = 256};

struct limit_running {
	struct task *task;
	struct usage expected;
};

struct limit {
	struct limit_options options;
	struct inventory history; /* const once made: what steps took earlier */
	pthread_t thread;
	bool has_thread;
	pthread_mutex_t sampling; /* one sample at a time; guards n_passed */
	unsigned n_passed;	  /* samples in a row past the ceiling */
	pthread_mutex_t lock;	  /* guards everything below */
	pthread_cond_t changed;
	VEC(struct limit_running) running;
	bool quitting;
	bool stopped;	  /* the run was ended */
	struct usage now; /* of the sample that ended it */
};

/* ---- what is expected ---- */

/* From the latest record of that name.  A step that makes no layer is always unknown: the
 * chain in its record is what it reads. */
static struct usage expect(const struct limit *l, const char *step)
{
	const struct inventory_record *latest = NULL;
	const struct inventory_layer *top;

	for (size_t i = 0; i < l->history.records.len; i++) {
		const struct inventory_record *r = &l->history.records.items[i];

		if (strcmp(r->step, step) == 0 && r->chain.len > 0 &&
		    step_makes_layer_by_name(r->kind) &&
		    (!latest || r->made_ms > latest->made_ms))
			latest = r;
	}
	top = latest ? inventory_find_layer(
			       &l->history,
			       latest->chain.layers[latest->chain.len - 1].name)
		     : NULL;
	return top ? top->usage : UNKNOWN_STEP;
}

/* With the lock held. */
static struct usage reserved(const struct limit *l)
{
	struct usage sum = {0, 0};

	for (size_t i = 0; i < l->running.len; i++)
		usage_add(&sum, &l->running.items[i].expected);
	return sum;
}

/* ---- making room ---- */

static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* Bring the store down to the ceiling less `room`; `*left` is what remains.  Room that
 * cannot be made is not an error: we only expect to need it. */
static struct err *make_room(const struct limit_options *o, const struct usage *room,
			     struct usage *left)
{
	struct gc_policy policy = GC_NOTHING;
	struct gc_result result = {0};
	struct usage_report report;

	policy.reason = "--cache-max";
	/* No record holds the layers that failed steps stand on: without this, those
	 * would go before all others. */
	policy.holds_for_failed = older_is_left(o->store);
	policy.max_bytes = o->max_bytes == UINT64_MAX ? UINT64_MAX
						      : minus(o->max_bytes, room->bytes);
	policy.max_files = o->max_files == UINT64_MAX ? UINT64_MAX
						      : minus(o->max_files, room->files);
	TRY(usage_measure(o->store, USAGE_QUICK, &report));
	*left = report.total;
	if (left->bytes <= policy.max_bytes && left->files <= policy.max_files)
		return NULL;
	TRY(gc_run(o->store, &policy, &result));
	left->bytes = minus(result.before.bytes, result.freed.bytes);
	left->files = minus(result.before.files, result.freed.files);
	return NULL;
}

/* What all processes will still write, as far as it is known; what lies in tmp/ is
 * counted already. */
static struct err *room_wanted(const struct limit *l, struct usage *out)
{
	struct lease_set leases = LEASE_SET_INIT;
	struct usage written;
	struct err *e;

	TRY(usage_of_tree(store_fd(l->options.store), "tmp", &written));
	e = lease_set_read(l->options.store, &leases);
	out->bytes = minus(leases.bytes, written.bytes);
	out->files = minus(leases.files, written.files);
	lease_set_release(&leases);
	return e;
}

static bool is_passed(const struct limit_options *o, const struct usage *now)
{
	return now->bytes > o->max_bytes || now->files > o->max_files;
}

static void stop_run(struct limit *l, const struct usage *now)
{
	pthread_mutex_lock(&l->lock);
	if (l->running.len > 0 && !l->stopped) {
		l->stopped = true;
		l->now = *now;
		task_stop_run(l->running.items[0].task);
	}
	pthread_mutex_unlock(&l->lock);
}

/* When several processes together use too much, the youngest must stop, not all. */
static bool younger_one_works(const struct limit *l)
{
	struct lease_set leases = LEASE_SET_INIT;
	struct err *e = lease_set_read(l->options.store, &leases);
	bool younger = !e && leases.own_ns < leases.youngest_ns;

	err_ignore(e, "then nobody is waited for");
	lease_set_release(&leases);
	return younger;
}

static struct err *sample(struct limit *l)
{
	struct usage left, none = {0, 0};
	struct err *e;
	bool stop = false;

	pthread_mutex_lock(&l->sampling);
	e = make_room(&l->options, &none, &left);
	if (e || !is_passed(&l->options, &left))
		l->n_passed = 0;
	else
		stop = ++l->n_passed > PATIENCE || !younger_one_works(l);
	pthread_mutex_unlock(&l->sampling);
	if (stop)
		stop_run(l, &left);
	return e;
}

/* ---- the thread ---- */

/* False when it is time to end. */
static bool pause_for(struct limit *l, uint64_t ns)
{
	uint64_t until_ns = clock_mono_ns() + ns;
	bool in_time = true, go_on;

	pthread_mutex_lock(&l->lock);
	while (!l->quitting && (in_time || l->running.len == 0)) {
		if (l->running.len == 0)
			pthread_cond_wait(&l->changed, &l->lock);
		else
			in_time = thread_cond_wait_until(&l->changed, &l->lock, until_ns);
	}
	go_on = !l->quitting;
	pthread_mutex_unlock(&l->lock);
	return go_on;
}

static void *sampler_main(void *limit)
{
	struct limit *l = limit;
	uint64_t pause_ns = SAMPLE_NS;

	while (pause_for(l, pause_ns)) {
		uint64_t began_ns = clock_mono_ns(), took_ns;

		err_ignore(sample(l), "the next sample may succeed");
		took_ns = clock_mono_ns() - began_ns;
		pause_ns = took_ns * COST_FACTOR > SAMPLE_NS ? took_ns * COST_FACTOR
							     : SAMPLE_NS;
	}
	return NULL;
}

struct err *limit_new(const struct limit_options *options, struct limit **out)
{
	CLEANUP(limit_freep) struct limit *l = xcalloc(1, sizeof(*l));

	l->options = *options;
	pthread_mutex_init(&l->sampling, NULL);
	pthread_mutex_init(&l->lock, NULL);
	thread_cond_init(&l->changed);
	TRY(inventory_look(&l->history, options->store));
	TRY(err_wrap(thread_start(&l->thread, sampler_main, l), "--cache-max"));
	l->has_thread = true;
	*out = STEAL(l);
	return NULL;
}

void limit_free(struct limit *l)
{
	if (!l)
		return;
	pthread_mutex_lock(&l->lock);
	l->quitting = true;
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
	if (l->has_thread)
		pthread_join(l->thread, NULL);
	pthread_cond_destroy(&l->changed);
	pthread_mutex_destroy(&l->lock);
	pthread_mutex_destroy(&l->sampling);
	inventory_release(&l->history);
	vec_free(&l->running);
	free(l);
}

void limit_freep(struct limit **l)
{
	limit_free(*l);
	*l = NULL;
}

/* ---- steps ---- */

static struct usage change_running(struct limit *l, struct task *task,
				   const struct usage *expected)
{
	struct usage sum;

	pthread_mutex_lock(&l->lock);
	if (expected) {
		vec_push(&l->running, ((struct limit_running){task, *expected}));
	} else {
		size_t i = 0;

		while (l->running.items[i].task != task)
			i++;
		l->running.items[i] = l->running.items[--l->running.len];
	}
	sum = reserved(l);
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
	return sum;
}

struct err *limit_enter(struct limit *l, const char *step, struct task *task)
{
	struct usage expected = expect(l, step), room, left;
	struct usage sum = change_running(l, task, &expected);
	struct err *e;

	e = lease_reserve(store_lease(l->options.store), sum.bytes, sum.files);
	pthread_mutex_lock(&l->sampling);
	if (!e)
		e = room_wanted(l, &room);
	if (!e)
		e = make_room(&l->options, &room, &left);
	pthread_mutex_unlock(&l->sampling);
	return e ? limit_leave(l, task, e) : NULL;
}

static struct err *too_much(const struct limit_options *o, const struct usage *now)
{
	const char *hint = "give a higher --cache-max (or DAGBUILD_CACHE_MAX); 'dagbuild "
			   "cache du' shows what takes the room";

	if (now->bytes > o->max_bytes)
		return err_hint(
			err_new(ERR_NOSPACE,
				"the cache is full: it takes %.1f MiB of the %.1f "
				"MiB that it may, and what is left in it is in use",
				(double)now->bytes / (double)MIB(1),
				(double)o->max_bytes / (double)MIB(1)),
			"%s", hint);
	return err_hint(err_new(ERR_NOSPACE,
				"the cache is full: it has %llu files of the %llu that "
				"it may, and what is left in it is in use",
				(unsigned long long)now->files,
				(unsigned long long)o->max_files),
			"give a higher --cache-max-files");
}

struct err *limit_leave(struct limit *l, struct task *task, struct err *e)
{
	struct usage sum, now;
	bool stopped;

	/* The step still counts as running, so that what it wrote in excess stops the
	 * run. */
	if (!e)
		err_ignore(sample(l), "the next sample may succeed");
	sum = change_running(l, task, NULL);
	err_ignore(lease_reserve(store_lease(l->options.store), sum.bytes, sum.files),
		   "more than needed is kept free");
	pthread_mutex_lock(&l->lock);
	stopped = l->stopped;
	now = l->now;
	pthread_mutex_unlock(&l->lock);
	if (!stopped || (e && err_code(e) != ERR_CANCELLED))
		return e;
	err_ignore(e, "we stopped it ourselves");
	return too_much(&l->options, &now);
}

struct err *limit_settle(const struct limit_options *options)
{
	struct usage left, none = {0, 0};

	return make_room(options, &none, &left);
}

struct err *limit_is_passed(const struct limit_options *options, bool *passed)
{
	struct usage_report report;

	TRY(usage_measure(options->store, USAGE_QUICK, &report));
	*passed = is_passed(options, &report.total);
	return NULL;
}
