/* SPDX-License-Identifier: MIT
 * message.c - see message.h.
 */
#include "scheduler/message.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"

/* Lines beyond this wait for the conductor. */
static const size_t QUEUE_MAX = 1024;

struct err *message_queue_init(struct message_queue *q)
{
	q->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (q->fd < 0)
		return err_sys("eventfd");
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->room, NULL);
	q->first = NULL;
	q->last = &q->first;
	q->len = 0;
	q->is_signalled = false;
	return NULL;
}

void message_queue_release(struct message_queue *q)
{
	assert(!q->first);
	pthread_mutex_destroy(&q->lock);
	pthread_cond_destroy(&q->room);
	close(q->fd);
}

struct message *message_new(enum message_type type, struct node_id node, struct str text)
{
	struct message *m = xcalloc(1, sizeof(*m) + text.len + 1);

	m->type = type;
	m->node = node;
	m->time_ns = clock_mono_ns();
	if (text.len > 0)
		memcpy(m->text, text.data, text.len);
	return m;
}

static void post(struct message_queue *q, struct message *m, bool wake)
{
	pthread_mutex_lock(&q->lock);
	while (q->len >= QUEUE_MAX &&
	       (m->type == MESSAGE_LINE || m->type == MESSAGE_NOTE))
		pthread_cond_wait(&q->room, &q->lock);
	*q->last = m;
	q->last = &m->next;
	q->len++;
	wake = wake && !q->is_signalled;
	if (wake)
		q->is_signalled = true;
	pthread_mutex_unlock(&q->lock);
	/* Not under the lock: the conductor would only have to wait for it. */
	if (wake)
		eventfd_write(q->fd, 1);
}

void message_post(struct message_queue *q, struct message *m)
{
	post(q, m, true);
}

void message_post_later(struct message_queue *q, struct message *m)
{
	post(q, m, false);
}

struct message *message_take_all(struct message_queue *q)
{
	struct message *all;
	eventfd_t count;

	pthread_mutex_lock(&q->lock);
	all = q->first;
	q->first = NULL;
	q->last = &q->first;
	q->len = 0;
	if (q->is_signalled)
		(void)eventfd_read(q->fd, &count);
	q->is_signalled = false;
	pthread_cond_broadcast(&q->room);
	pthread_mutex_unlock(&q->lock);
	return all;
}

void message_free(struct message *m)
{
	err_free(m->error);
	free(m);
}
