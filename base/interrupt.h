/* SPDX-License-Identifier: MIT
 * interrupt.h - signals that ask this process to end: SIGINT, SIGTERM, SIGHUP.
 *
 * Purpose:   what happens then:
 *            - By default the process dies of the signal, whatever it is doing.  First
 *              names that would be in the way later are removed (interrupt_name_add()),
 *              and code that has more to remove, such as a scratch folder, gets a moment
 *              (interrupt_defer()).
 *            - If threads and containers must be wound down, the conductor listens
 *              (interrupt_listen()).  Waiting system calls of its thread are then
 *              interrupted again and again until the process ends; so a write to a reader
 *              that no longer reads ends, too.  interrupt_came() tells all other threads:
 *              long loops and every wait look at it.
 *            A SIGHUP that the process was started to ignore stays ignored (nohup(1)).
 *            The same signal twice from one process within 100 ms counts once: timeout(1)
 *            signals its child, and then its group, which includes the child.
 * Ownership: the state belongs to the process, as signals do.
 * Threads:   interrupt_init(), interrupt_listen() and interrupt_unlisten(): the main
 *            thread. Other threads, which thread_start() starts, get no signals.
 * Errors:    interrupt_listen(): ERR_SYS. ERR_CANCELLED says that the process was asked
 *            to end; so does EINTR, which err_sys() takes for it.
 */
#ifndef BASE_INTERRUPT_H
#define BASE_INTERRUPT_H

#include "base/err.h"

/* From now on the names are removed before the process dies. */
void interrupt_init(void);

/* From now until interrupt_unlisten() signals are only noted: a read(2) of eight bytes
 * from `*fd`, which does not block, gives how many came since the last read. */
NODISCARD struct err *interrupt_listen(int *fd);
void interrupt_unlisten(void);

/* Between these two a signal kills only after 0.9 seconds: until then it is noted, as
 * while listening, so that running work ends by itself and cleans up.  They nest. */
void interrupt_defer(void);
void interrupt_resume(void);

/* Did a signal come since listening began? */
bool interrupt_came(void);
/* For optional clean-up, such as removing a large temporary folder: was the process asked
 * to end, and has the work gone on for half a second since then and since it began, at
 * `began_ns` (clock_mono_ns())? */
bool interrupt_is_late(uint64_t began_ns);
/* ERR_CANCELLED when interrupt_came(). */
NODISCARD struct err *interrupt_check(void);
/* After a system call failed: was it interrupted, and must it be repeated? */
bool interrupt_retries(void);

/* Remove `path` below `dir_fd`, which must stay open, if a signal ends us.  Gives a
 * number for interrupt_name_drop(), or -1 (which that accepts, too) when there are too
 * many. */
int interrupt_name_add(int dir_fd, const char *path);
/* The file has its final name, or is gone. */
void interrupt_name_drop(int number);

#endif
