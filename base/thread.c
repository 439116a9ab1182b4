/* SPDX-License-Identifier: MIT
 * thread.c - see thread.h.
 */
#include "base/thread.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

struct err *thread_start(pthread_t *thread, void *(*main)(void *), void *self)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
	sigset_t wanted, before;
	int error;

	sigfillset(&wanted);
	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		sigdelset(&wanted, faults[i]);
	/* The new thread inherits the mask of this one. */
	pthread_sigmask(SIG_SETMASK, &wanted, &before);
	error = pthread_create(thread, NULL, main, self);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!error)
		return NULL;
	errno = error;
	return err_sys("start a thread");
}

void thread_cond_init(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
}

bool thread_cond_wait_until(pthread_cond_t *condition, pthread_mutex_t *lock,
			    uint64_t until_ns)
{
	static const uint64_t NS_PER_S = 1000000000;
	struct timespec until = {.tv_sec = (time_t)(until_ns / NS_PER_S),
				 .tv_nsec = (long)(until_ns % NS_PER_S)};

	return pthread_cond_timedwait(condition, lock, &until) == 0;
}
