/* SPDX-License-Identifier: MIT
 * thread.c - see thread.h.
 */
#include "base/thread.h"

#include <errno.h>
#include <signal.h>

struct err *thread_start(pthread_t *thread, void *(*main)(void *), void *self)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
	sigset_t wanted, before;
	int error;

	sigfillset(&wanted);
	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		sigdelset(&wanted, faults[i]);
	/* It begins with the mask of who starts it. */
	pthread_sigmask(SIG_SETMASK, &wanted, &before);
	error = pthread_create(thread, NULL, main, self);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!error)
		return NULL;
	errno = error;
	return err_sys("start a thread");
}
