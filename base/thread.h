/* SPDX-License-Identifier: MIT
 * thread.h - threads that get no signals.
 *
 * Purpose:   a signal for the process is for its main thread (interrupt.h). A thread that did not
 *            block it might be the one that the kernel chooses.
 * Errors:    thread_start(): ERR_SYS, and there is no thread.
 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>

#include "base/err.h"

/* pthread_create(3) with all signals blocked, but for those of faults. */
NODISCARD struct err *thread_start(pthread_t *thread, void *(*main)(void *), void *self);

#endif
