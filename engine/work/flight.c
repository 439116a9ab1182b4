/* SPDX-License-Identifier: MIT
 * flight.c - see flight.h.
 */
#include "engine/work/flight.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/thread.h"
#include "base/vec.h"
#include "cache/key_lock.h"

/* How long a task waits before it lends its slot out. */
static const uint64_t BRIEF_NS = 10000000;
/* How often it checks whether another process has ended. */
static const int OTHERS_LOOK_MS = 50;

/* A key that a task is in under, or waits for, or that has failed. */
struct flight {
	struct digest key;
	struct key_lock lock; /* against other processes, of the task that is in */
	pthread_cond_t left;
	unsigned users; /* the task that is in, and those that wait */
	bool is_busy;	/* a task is in */
	bool has_failed;
};

struct flight_table {
	const struct store *store;
	pthread_mutex_t lock; /* guards flights and what they hold */
	VEC(struct flight *) flights;
};

struct flight_table *flight_table_new(const struct store *store)
{
	struct flight_table *t = xcalloc(1, sizeof(*t));

	t->store = store;
	pthread_mutex_init(&t->lock, NULL);
	return t;
}

static void flight_free(struct flight *f)
{
	assert(f->users == 0);
	pthread_cond_destroy(&f->left);
	free(f);
}

void flight_table_free(struct flight_table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->flights.len; i++)
		flight_free(t->flights.items[i]);
	pthread_mutex_destroy(&t->lock);
	vec_free(&t->flights);
	free(t);
}

/* ---- with the table's lock held ---- */

static size_t find(const struct flight_table *t, const struct digest *key)
{
	size_t i = 0;

	while (i < t->flights.len && !digest_equal(&t->flights.items[i]->key, key))
		i++;
	return i;
}

/* The flight of a key that a task is in under. */
static struct flight *flight_of(const struct flight_table *t, const struct digest *key)
{
	size_t at = find(t, key);

	assert(at < t->flights.len && t->flights.items[at]->is_busy);
	return t->flights.items[at];
}

static struct flight *use(struct flight_table *t, const struct digest *key)
{
	size_t at = find(t, key);
	struct flight *f;

	if (at == t->flights.len) {
		f = xcalloc(1, sizeof(*f));
		f->key = *key;
		f->lock = (struct key_lock)KEY_LOCK_INIT;
		thread_cond_init(&f->left);
		vec_push(&t->flights, f);
	}
	f = t->flights.items[at];
	f->users++;
	return f;
}

/* Wake the next that waits; after a failure wake all, to tell them. */
static void unuse(struct flight_table *t, struct flight *f)
{
	size_t at = find(t, &f->key);

	f->users--;
	if (f->has_failed) {
		pthread_cond_broadcast(&f->left);
	} else if (f->users > 0) {
		pthread_cond_signal(&f->left);
	} else {
		t->flights.items[at] = t->flights.items[--t->flights.len];
		flight_free(f);
	}
}

/* Wait without lending the slot out: a moment is not worth another thread, and a thousand
 * stages may wait for one answer of a registry. */
static void wait_briefly(struct flight_table *t, struct flight *f)
{
	uint64_t until_ns = clock_mono_ns() + BRIEF_NS;
	bool in_time = true;

	while (f->is_busy && in_time)
		in_time = thread_cond_wait_until(&f->left, &t->lock, until_ns);
}

/* A task that waits does not check for cancellation: the one that is in does, and
 * leaves. */
static struct err *get_in(struct flight_table *t, struct flight *f, struct task *task)
{
	while (f->is_busy)
		pthread_cond_wait(&f->left, &t->lock);
	TRY(cancel_check(task_cancel(task)));
	if (f->has_failed)
		return err_new(ERR_CANCELLED, "the same has failed for another step");
	f->is_busy = true;
	return NULL;
}

/* ---- other processes ---- */

static void set_lock(struct flight_table *t, const struct digest *key,
		     struct key_lock lock)
{
	pthread_mutex_lock(&t->lock);
	flight_of(t, key)->lock = lock;
	pthread_mutex_unlock(&t->lock);
}

static struct err *pause_for_others(struct task *task)
{
	struct pollfd fd = {.fd = cancel_fd(task_cancel(task), CANCEL_ASKED),
			    .events = POLLIN};

	(void)poll(&fd, 1, OTHERS_LOOK_MS);
	return cancel_check(task_cancel(task));
}

static struct err *wait_for_others(struct flight_table *t, const struct digest *key,
				   struct task *task, struct key_lock *lock)
{
	bool taken = false;
	pid_t holder;

	while (!taken) {
		TRY(pause_for_others(task));
		TRY(key_lock_try(t->store, key, lock, &taken, &holder));
	}
	return NULL;
}

/* When the other process dies, the lock is free, and we take over its work. */
static struct err *keep_others_out(struct flight_table *t, const struct digest *key,
				   struct task *task, bool *waited)
{
	struct key_lock lock = KEY_LOCK_INIT;
	bool taken = false;
	pid_t holder = 0;
	struct err *e;

	TRY(key_lock_try(t->store, key, &lock, &taken, &holder));
	if (!taken) {
		*waited = true;
		task_note(task,
			  "waiting for another dagbuild (pid %ld) that makes the same "
			  "step",
			  (long)holder);
		task_wait_begin(task);
		e = wait_for_others(t, key, task, &lock);
		task_wait_end(task);
		TRY(e);
	}
	set_lock(t, key, lock);
	return NULL;
}

/* ---- entering and leaving ---- */

static struct err *enter_alone(struct flight_table *t, const struct digest *key,
			       struct task *task, bool *waited)
{
	struct flight *f;
	struct err *e;
	bool lends;

	pthread_mutex_lock(&t->lock);
	f = use(t, key);
	*waited = f->is_busy;
	wait_briefly(t, f);
	lends = f->is_busy;
	if (lends) {
		pthread_mutex_unlock(&t->lock);
		task_wait_begin(task);
		pthread_mutex_lock(&t->lock);
	}
	e = get_in(t, f, task);
	if (e)
		unuse(t, f);
	pthread_mutex_unlock(&t->lock);
	if (lends)
		task_wait_end(task);
	return e;
}

struct err *flight_enter(struct flight_table *t, const struct digest *key,
			 struct task *task, bool *waited)
{
	struct err *e;

	TRY(enter_alone(t, key, task, waited));
	e = t->store ? keep_others_out(t, key, task, waited) : NULL;
	if (e)
		flight_leave(t, key, NULL);
	return e;
}

static struct key_lock lock_of(struct flight_table *t, const struct digest *key)
{
	struct key_lock lock;

	pthread_mutex_lock(&t->lock);
	lock = flight_of(t, key)->lock;
	pthread_mutex_unlock(&t->lock);
	return lock;
}

int flight_lock_fd(struct flight_table *t, const struct digest *key)
{
	struct key_lock lock = lock_of(t, key);

	return key_lock_fd(&lock);
}

void flight_leave(struct flight_table *t, const struct digest *key,
		  const struct err *error)
{
	struct key_lock lock = lock_of(t, key);
	struct flight *f;

	/* First, so that the next task of this process does not find it taken by us. */
	key_lock_release(&lock);
	pthread_mutex_lock(&t->lock);
	f = flight_of(t, key);
	f->lock = (struct key_lock)KEY_LOCK_INIT;
	f->is_busy = false;
	f->has_failed = error != NULL;
	unuse(t, f);
	pthread_mutex_unlock(&t->lock);
}
