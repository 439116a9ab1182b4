/* SPDX-License-Identifier: MIT
 * interrupt.h - signals that ask this process to end: SIGINT, SIGTERM, SIGHUP.
 *
 * Purpose:   one by one, what happens then:
 *            - By default the process dies of the signal, whatever it is doing; names
 *            that
 *              would be in the way later (interrupt_name_add()) are removed first, and
 *              who has more to remove, as a scratch folder, is given a moment
 *              (interrupt_defer()).
 *            - Where threads and containers are to be wound down somebody listens
 *              (interrupt_listen(): the conductor). System calls of his thread that wait
 *              are interrupted then, once and again until the process ends; so a write to
 *              somebody who does not read any more ends, too. interrupt_came() tells all
 *              others: long loops look at it, and every wait of other threads.
 *            A SIGHUP that the process was started to ignore stays ignored (nohup(1)).
 *            Two of the same from the same process within 100 ms count as one: timeout(1)
 *            signals its child, and then its group, of which the child is.
 * Ownership: the state is the process's, as signals are.
 * Threads:   interrupt_init(), interrupt_listen() and interrupt_unlisten(): the main
 *            thread. Others, which thread_start() starts, get no signals.
 * Errors:    interrupt_listen(): ERR_SYS. ERR_CANCELLED says that the process was asked
 *            to end; so does EINTR, which err_sys() takes for it.
 */
#ifndef BASE_INTERRUPT_H
#define BASE_INTERRUPT_H

#include "base/err.h"

/* From now on the names go before the process dies. */
void interrupt_init(void);

/* From now on until interrupt_unlisten() signals are only noted: a read(2) of eight bytes
 * from `*fd`, which does not block, gives how many came since the last. */
NODISCARD struct err *interrupt_listen(int *fd);
void interrupt_unlisten(void);

/* Between these two a signal kills only when it has waited for 0.9 seconds: until then it
 * is noted, as when somebody listens, so that what is under way ends by itself and cleans
 * up.  They nest. */
void interrupt_defer(void);
void interrupt_resume(void);

/* Did one come, since somebody began to listen? */
bool interrupt_came(void);
/* For what is only good manners, as to remove a large temporary folder: has it taken half
 * a second since it began, at `began_ns` (clock_mono_ns()), and the process was asked to
 * end? */
bool interrupt_is_late(uint64_t began_ns);
/* ERR_CANCELLED when interrupt_came(). */
NODISCARD struct err *interrupt_check(void);
/* After a system call has failed: was it interrupted, and is to be made again? */
bool interrupt_retries(void);

/* `path` below `dir_fd`, which must stay open, is to be removed if a signal ends us.
 * Gives a number for interrupt_name_drop(), or -1 when there are too many, which that
 * takes as well. */
int interrupt_name_add(int dir_fd, const char *path);
/* It has got its final name, or is gone. */
void interrupt_name_drop(int number);

#endif
