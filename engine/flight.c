/* SPDX-License-Identifier: MIT
 * flight.c - see flight.h.
 */
#include "engine/flight.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/vec.h"

/* How long a waiter may overlook that the run was cancelled. */
static const long CANCEL_LOOK_NS = 50000000;

struct flight_table {
	pthread_mutex_t lock; /* guards keys */
	pthread_cond_t left;
	VEC(struct digest) keys; /* who is in */
};

struct flight_table *flight_table_new(void)
{
	struct flight_table *t = xcalloc(1, sizeof(*t));

	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->left, NULL);
	return t;
}

void flight_table_free(struct flight_table *t)
{
	if (!t)
		return;
	assert(t->keys.len == 0);
	pthread_mutex_destroy(&t->lock);
	pthread_cond_destroy(&t->left);
	vec_free(&t->keys);
	free(t);
}

static size_t find(const struct flight_table *t, const struct digest *key)
{
	size_t i = 0;

	while (i < t->keys.len && !digest_equal(&t->keys.items[i], key))
		i++;
	return i;
}

static void wait_a_little(struct flight_table *t)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += CANCEL_LOOK_NS;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_cond_timedwait(&t->left, &t->lock, &until);
}

/* With the lock held: wait until `key` is free or the run is cancelled. */
static struct err *wait_for(struct flight_table *t, const struct digest *key,
			    struct task *task)
{
	struct err *e = NULL;

	while (!e && find(t, key) < t->keys.len) {
		wait_a_little(t);
		e = cancel_check(task_cancel(task));
	}
	return e;
}

struct err *flight_enter(struct flight_table *t, const struct digest *key,
			 struct task *task, bool *waited)
{
	struct err *e = NULL;

	*waited = false;
	pthread_mutex_lock(&t->lock);
	while (!e && find(t, key) < t->keys.len) {
		/* The slot is lent out without the lock: taking it back may block. */
		*waited = true;
		pthread_mutex_unlock(&t->lock);
		task_wait_begin(task);
		pthread_mutex_lock(&t->lock);
		e = wait_for(t, key, task);
		pthread_mutex_unlock(&t->lock);
		task_wait_end(task);
		pthread_mutex_lock(&t->lock);
	}
	if (!e)
		vec_push(&t->keys, *key);
	pthread_mutex_unlock(&t->lock);
	return e;
}

void flight_leave(struct flight_table *t, const struct digest *key)
{
	size_t at;

	pthread_mutex_lock(&t->lock);
	at = find(t, key);
	assert(at < t->keys.len);
	t->keys.items[at] = t->keys.items[--t->keys.len];
	pthread_cond_broadcast(&t->left);
	pthread_mutex_unlock(&t->lock);
}
