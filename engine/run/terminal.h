/* SPDX-License-Identifier: MIT
 * terminal.h - an interactive program, joined to the caller's standard descriptors.
 *
 * Purpose:   nothing in a container holds the user's terminal: a process that does can
 *            read what is typed there and change its settings. Where input and output are
 *            a terminal, the program gets one of the container's own, so that job control
 *            and window sizes work there: the container's init makes it and sends the
 *            other end through a socket, dagbuild puts the user's into raw mode and
 *            passes bytes on, both ways; Ctrl-C is a byte, and a signal only inside.
 *            Where only one of them is, a pipe takes its place. Files and pipes of the
 *            caller are the program's own.
 * Ownership: see each function.
 * Threads:   a process with one thread.
 * Errors:    ERR_SYS; ERR_CANCELLED for a program that was asked to end and did not.
 */
#ifndef ENGINE_RUN_TERMINAL_H
#define ENGINE_RUN_TERMINAL_H

#include "base/err.h"
#include "base/proc.h"

/* What takes the place of the caller's standard descriptors. */
struct terminal_ends {
	int child
		[3]; /* the program's: the caller's own number, or what takes its place */
	int ours[3]; /* the other end of a pipe in the place of a terminal, else -1 */
	unsigned taken;		    /* bit N: N becomes the container's terminal */
	int console, child_console; /* the socket through which the terminal comes; else
				       -1 */
};

#define TERMINAL_ENDS_INIT                                                               \
	{                                                                                \
		{-1, -1, -1}, {-1, -1, -1}, 0, -1, -1                                    \
	}

/* `tty`: the program gets a terminal; those of its standard descriptors that are the
 * caller's terminal become the new one, and are /dev/null until then. */
NODISCARD struct err *terminal_ends_open(struct terminal_ends *ends, bool tty);
/* Close the program's ends, once it has them. */
void terminal_ends_give(struct terminal_ends *ends);
void terminal_ends_release(struct terminal_ends *ends);

/* Serve an interactive `proc` until it has ended: signals that are sent to us are passed
 * on, and the terminal, or the pipes, are joined to our standard descriptors.  Afterwards
 * the user's terminal is as it was before. */
NODISCARD struct err *terminal_attach(struct proc *proc, struct terminal_ends *ends);

/* In init, inside the root, /dev mounted: make a terminal, send its other end through
 * `console_fd`, and wait until it has the settings of the user's terminal.  The caller
 * owns `*tty_fd`. */
NODISCARD struct err *terminal_offer(int console_fd, int *tty_fd);
/* In a new session: make it the controlling terminal, and those standard descriptors that
 * `taken` names. */
NODISCARD struct err *terminal_take(int tty_fd, unsigned taken);

#endif
