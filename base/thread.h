/* SPDX-License-Identifier: MIT
 * thread.h - threads that get no signals, and waits that the wall clock cannot stretch.
 *
 * Purpose:   a signal for the process is for its main thread (interrupt.h). If another
 *            thread did not block it, the kernel might choose that thread.
 *
 *            pthread_cond_timedwait(3) waits by the wall clock unless the condition was
 *            made with another clock: setting the wall clock back makes it wait longer.
 * Errors:    thread_start(): ERR_SYS, and there is no thread.
 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>

#include "base/err.h"

/* pthread_create(3) with all signals blocked, except those of faults. */
NODISCARD struct err *thread_start(pthread_t *thread, void *(*main)(void *), void *self);
/* A condition for thread_cond_wait_until(); pthread_cond_destroy() ends it. */
void thread_cond_init(pthread_cond_t *condition);
/* Wait, holding `lock`, for a signal or until clock_mono_ns() is `until_ns`.  False: the
 * time has come.  It may be true without a signal: pthread_cond_wait(3). */
bool thread_cond_wait_until(pthread_cond_t *condition, pthread_mutex_t *lock,
			    uint64_t until_ns);

#endif
