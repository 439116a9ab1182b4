/* SPDX-License-Identifier: MIT
 * flight.c - see flight.h.
 */
#include "engine/flight.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/vec.h"
#include "cache/key_lock.h"

/* How long a waiter may overlook that the run was cancelled. */
static const long CANCEL_LOOK_NS = 50000000;
/* How long he waits before he lends his slot out. */
static const long BRIEF_NS = 10000000;
/* How often he looks whether another process has ended. */
static const int OTHERS_LOOK_MS = 50;

/* Who is in. */
struct flight {
	struct digest key;
	struct key_lock lock; /* against other processes */
};

struct flight_table {
	const struct store *store;
	pthread_mutex_t lock; /* guards flights */
	pthread_cond_t left;
	VEC(struct flight) flights;
};

struct flight_table *flight_table_new(const struct store *store)
{
	struct flight_table *t = xcalloc(1, sizeof(*t));

	t->store = store;
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->left, NULL);
	return t;
}

void flight_table_free(struct flight_table *t)
{
	if (!t)
		return;
	assert(t->flights.len == 0);
	pthread_mutex_destroy(&t->lock);
	pthread_cond_destroy(&t->left);
	vec_free(&t->flights);
	free(t);
}

static size_t find(const struct flight_table *t, const struct digest *key)
{
	size_t i = 0;

	while (i < t->flights.len && !digest_equal(&t->flights.items[i].key, key))
		i++;
	return i;
}

static struct timespec from_now(long ns)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec += ns;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	return t;
}

static void wait_a_little(struct flight_table *t)
{
	struct timespec until = from_now(CANCEL_LOOK_NS);

	pthread_cond_timedwait(&t->left, &t->lock, &until);
}

/* With the lock held, and keeping the slot: what takes a moment is not worth a further
 * thread, and a thousand stages may wait for one answer of a registry. */
static void wait_briefly(struct flight_table *t, const struct digest *key)
{
	struct timespec until = from_now(BRIEF_NS);
	int status = 0;

	while (find(t, key) < t->flights.len && status == 0)
		status = pthread_cond_timedwait(&t->left, &t->lock, &until);
}

/* With the lock held: wait until `key` is free or the run is cancelled. */
static struct err *wait_for(struct flight_table *t, const struct digest *key,
			    struct task *task)
{
	struct err *e = NULL;

	while (!e && find(t, key) < t->flights.len) {
		wait_a_little(t);
		e = cancel_check(task_cancel(task));
	}
	return e;
}

/* ---- other processes ---- */

static void set_lock(struct flight_table *t, const struct digest *key,
		     struct key_lock lock)
{
	pthread_mutex_lock(&t->lock);
	t->flights.items[find(t, key)].lock = lock;
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

/* When the other process dies the lock is free, and its work is taken over. */
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
	struct err *e = NULL;

	pthread_mutex_lock(&t->lock);
	*waited = find(t, key) < t->flights.len;
	wait_briefly(t, key);
	while (!e && find(t, key) < t->flights.len) {
		/* The slot is lent out without the lock: taking it back may block. */
		pthread_mutex_unlock(&t->lock);
		task_wait_begin(task);
		pthread_mutex_lock(&t->lock);
		e = wait_for(t, key, task);
		pthread_mutex_unlock(&t->lock);
		task_wait_end(task);
		pthread_mutex_lock(&t->lock);
	}
	if (!e)
		vec_push(&t->flights, ((struct flight){*key, KEY_LOCK_INIT}));
	pthread_mutex_unlock(&t->lock);
	return e;
}

struct err *flight_enter(struct flight_table *t, const struct digest *key,
			 struct task *task, bool *waited)
{
	struct err *e;

	TRY(enter_alone(t, key, task, waited));
	e = t->store ? keep_others_out(t, key, task, waited) : NULL;
	if (e)
		flight_leave(t, key);
	return e;
}

static struct key_lock lock_of(struct flight_table *t, const struct digest *key)
{
	struct key_lock lock = KEY_LOCK_INIT;
	size_t at;

	pthread_mutex_lock(&t->lock);
	at = find(t, key);
	if (at < t->flights.len)
		lock = t->flights.items[at].lock;
	pthread_mutex_unlock(&t->lock);
	return lock;
}

int flight_lock_fd(struct flight_table *t, const struct digest *key)
{
	struct key_lock lock = lock_of(t, key);

	return key_lock_fd(&lock);
}

void flight_leave(struct flight_table *t, const struct digest *key)
{
	struct key_lock lock = lock_of(t, key);
	size_t at;

	/* First, so that the next of this process does not find it taken by ourselves. */
	key_lock_release(&lock);
	pthread_mutex_lock(&t->lock);
	at = find(t, key);
	assert(at < t->flights.len);
	t->flights.items[at] = t->flights.items[--t->flights.len];
	pthread_cond_broadcast(&t->left);
	pthread_mutex_unlock(&t->lock);
}
