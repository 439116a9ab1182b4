/* SPDX-License-Identifier: MIT
 * message.h - what workers tell the conductor: a queue with a descriptor to poll.
 *
 * Purpose:   carries state changes, results and what steps say, in order. Lines and notes
 *            wait while the queue is full, so that a chatty script slows down and memory
 *            stays bounded; results never wait.
 * Ownership: the queue owns its messages; message_free() ends one that was taken.
 * Threads:   any thread posts; one takes.
 * Errors:    message_queue_init(): ERR_SYS.
 */
#ifndef SCHEDULER_MESSAGE_H
#define SCHEDULER_MESSAGE_H

#include <pthread.h>

#include "base/str.h"
#include "scheduler/event.h"

enum message_type {
	MESSAGE_PROBING,  /* a worker has taken the node */
	MESSAGE_RUNNING,  /* a miss: it runs now */
	MESSAGE_DONE,	  /* `state` is final; `error` */
	MESSAGE_LINE,	  /* `text` */
	MESSAGE_NOTE,	  /* `text` */
	MESSAGE_PROGRESS, /* `activity`, `done`, `total` */
};

struct message {
	struct message *next;
	enum message_type type;
	struct node_id node;
	uint64_t time_ns;
	enum node_state state;
	struct err *error;
	const char *activity;
	uint64_t done, total;
	char text[]; /* NUL-terminated */
};

struct message_queue {
	pthread_mutex_t lock; /* guards everything below */
	pthread_cond_t room;
	struct message *first, **last;
	size_t len;
	int fd;		   /* eventfd: readable when messages must be taken soon */
	bool is_signalled; /* `fd` is readable, or about to be */
};

NODISCARD struct err *message_queue_init(struct message_queue *q);
void message_queue_release(struct message_queue *q);
struct message *message_new(enum message_type type, struct node_id node, struct str text);
void message_post(struct message_queue *q, struct message *m);
/* Post it without waking the conductor, which takes it with the next message or at the
 * next tick. */
void message_post_later(struct message_queue *q, struct message *m);
/* All messages in the queue, linked in order, or NULL. */
struct message *message_take_all(struct message_queue *q);
void message_free(struct message *m);

#endif
