/* SPDX-License-Identifier: MIT
 * thread.h - threads that get no signals, and waits that the wall clock does not stretch.
 *
 * Purpose:   a signal for the process is for its main thread (interrupt.h). A thread that
 *            did not block it might be the one that the kernel chooses.
 *
 *            pthread_cond_timedwait(3) waits by the wall clock unless it was told
 *            otherwise when the condition was made: whoever sets that clock back makes it
 *            wait longer.
 * Errors:    thread_start(): ERR_SYS, and there is no thread.
 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>

#include "base/err.h"

/* pthread_create(3) with all signals blocked, but for those of faults. */
NODISCARD struct err *thread_start(pthread_t *thread, void *(*main)(void *), void *self);
/* A condition for thread_cond_wait_until(); pthread_cond_destroy() ends it. */
void thread_cond_init(pthread_cond_t *condition);
/* Wait, holding `lock`, for a signal or until clock_mono_ns() is `until_ns`.  False: it
 * is that late.  True without a signal, at times: pthread_cond_wait(3). */
bool thread_cond_wait_until(pthread_cond_t *condition, pthread_mutex_t *lock,
			    uint64_t until_ns);

#endif
