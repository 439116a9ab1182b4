/* SPDX-License-Identifier: MIT
 * terminal.h - the caller's terminal, joined to a new one inside a container.
 *
 * Purpose:   an interactive program gets a terminal of the container's own, so that job
 *            control and window sizes work there, and nothing in the container holds the
 *            user's. The container's init makes it and sends the other end through a
 *            socket; dagbuild puts the user's into raw mode and passes bytes on, both
 *            ways: Ctrl-C is a byte, and a signal only inside.
 * Ownership: see each function.
 * Threads:   a process with one thread.
 * Errors:    ERR_SYS; ERR_CANCELLED for a program that was asked to end and did not.
 */
#ifndef ENGINE_RUN_TERMINAL_H
#define ENGINE_RUN_TERMINAL_H

#include "base/err.h"
#include "base/proc.h"

/* Serve an interactive `proc` until it has ended: signals that are sent to us are passed on,
 * and the terminal that comes through `console_fd` (-1: none will) is joined to standard
 * input and output.  The caller's terminal is then as it was. */
NODISCARD struct err *terminal_attach(struct proc *proc, int console_fd);

/* In init, inside the root, /dev mounted: make a terminal like the one on descriptor 0 and
 * send its other end through `console_fd`.  `*tty_fd` is the caller's. */
NODISCARD struct err *terminal_offer(int console_fd, int *tty_fd);
/* In a new session: make it the controlling terminal, and put it in the place of those
 * standard descriptors that are the caller's terminal. */
NODISCARD struct err *terminal_take(int tty_fd);

#endif
