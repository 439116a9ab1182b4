/* SPDX-License-Identifier: MIT
 * script_proc.h - a child of ours around a script: its output, its end, its answer.
 *
 * Purpose:   what running a script in a container and on the host have in common. The
 *            caller starts the child; we pass its lines on, and the cancel token to it,
 *            until it has ended; then we read its answer: "S" and the script's exit
 *            status, or "E", an error code and a text (script_child.h).
 * Ownership: script_proc_release() ends what is still running, and closes our ends.
 * Threads:   the one that started the child.
 * Errors:    ERR_UNSUPPORTED with what the child says; ERR_SYS; ERR_CANCELLED.
 */
#ifndef ENGINE_RUN_SCRIPT_PROC_H
#define ENGINE_RUN_SCRIPT_PROC_H

#include "base/buf.h"
#include "base/cancel.h"
#include "base/proc.h"
#include "base/str.h"

struct script_proc {
	struct proc proc;
	int status_fd, output_fd; /* our ends of the pipes that it writes to */
	/* The child ends all that it has started, and then itself, when we close our end
	 * of a pipe: so it is never killed, which would leave that behind. */
	bool ends_itself;
	int life_fd; /* that end; -1 once it is closed */
	const struct cancel *cancel;
	/* Called for each line of its output, in order, without line end; very long lines
	 * arrive in parts of 64 KiB.  NULL: they are dropped. */
	void (*line)(void *context, struct str line);
	void *context;
	struct buf line_buf; /* the line that has not ended yet */
	bool terminated;     /* SIGTERM was sent */
	uint64_t kill_at_ns; /* once terminated */
};

#define SCRIPT_PROC_INIT                                                                 \
	{                                                                                \
		.proc = PROC_INIT, .status_fd = -1, .output_fd = -1, .life_fd = -1       \
	}

/* Read the output until the child has ended.  When the token is raised it gets SIGTERM,
 * and is ended after ten seconds, or when the token is raised further. */
void script_proc_follow(struct script_proc *p);
/* Reap it.  ERR_CANCELLED when the token was raised. */
NODISCARD struct err *script_proc_wait(struct script_proc *p);
/* The script's exit status, 128 + signal when a signal ended it; or why it was not
 * started. */
NODISCARD struct err *script_proc_answer(struct script_proc *p, int *status);
void script_proc_release(struct script_proc *p);

#endif
