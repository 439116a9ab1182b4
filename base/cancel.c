/* SPDX-License-Identifier: MIT
 * cancel.c - see cancel.h: an atomic level, and an eventfd for each, which stays raised.
 */
#include "base/cancel.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct cancel {
	_Atomic int level;
	int fds[2]; /* ASKED, NOW */
};

struct err *cancel_new(struct cancel **out)
{
	CLEANUP(cancel_freep) struct cancel *c = xcalloc(1, sizeof(*c));

	for (size_t i = 0; i < ARRAY_LEN(c->fds); i++)
		c->fds[i] = -1;
	for (size_t i = 0; i < ARRAY_LEN(c->fds); i++) {
		c->fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (c->fds[i] < 0)
			return err_sys("eventfd");
	}
	*out = STEAL(c);
	return NULL;
}

void cancel_free(struct cancel *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < ARRAY_LEN(c->fds); i++)
		closep(&c->fds[i]);
	free(c);
}

void cancel_freep(struct cancel **c)
{
	cancel_free(*c);
	*c = NULL;
}

void cancel_raise(struct cancel *c, enum cancel_level level)
{
	int before = atomic_load(&c->level);

	while (before < (int)level)
		if (atomic_compare_exchange_weak(&c->level, &before, (int)level))
			break;
	for (int i = 0; i < (int)level; i++)
		eventfd_write(c->fds[i], 1);
}

enum cancel_level cancel_level(const struct cancel *c)
{
	return (enum cancel_level)atomic_load(&c->level);
}

int cancel_fd(const struct cancel *c, enum cancel_level level)
{
	assert(level == CANCEL_ASKED || level == CANCEL_NOW);
	return c->fds[level - 1];
}

struct err *cancel_check(const struct cancel *c)
{
	return cancel_level(c) == CANCEL_NONE ? NULL
					      : err_new(ERR_CANCELLED, "interrupted");
}

static struct err *ask(const void *context)
{
	return cancel_check(context);
}

struct stop cancel_stop(const struct cancel *c)
{
	return c ? (struct stop){ask, c} : (struct stop){0};
}
