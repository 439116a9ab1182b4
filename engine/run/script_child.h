/* SPDX-License-Identifier: MIT
 * script_child.h - what the child around a script does on its side, wherever it runs.
 *
 * Purpose:   signals of the script's process, and the answer that script_proc.h reads.
 * Threads:   processes with one thread.
 */
#ifndef ENGINE_RUN_SCRIPT_CHILD_H
#define ENGINE_RUN_SCRIPT_CHILD_H

#include "base/err.h"

/* Write to `fd` why the script cannot be started, and end this process. */
NORETURN void script_child_give_up(int fd, struct err *e);
/* Write the script's exit status to `fd`, and end this process. */
NORETURN void script_child_answer(int fd, int status);
/* No signal stays blocked or ignored. */
void script_child_reset_signals(void);
/* As a shell gives it: the exit status, or 128 + the signal; `raw` is wait(2)'s. */
int script_child_status(int raw);

#endif
