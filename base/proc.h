/* SPDX-License-Identifier: MIT
 * proc.h - child processes.
 *
 * Purpose:   start a program with chosen descriptors and wait for it with poll(2).
 *            Threads never fork into namespaces: they start `dagbuild internal-*`, which
 *            does that.
 * Ownership: proc_release() kills a child that is still running, and reaps it: no scoped
 *            child is left behind.
 * Threads:   any; a child belongs to the thread that started it.
 * Errors:    ERR_NOTFOUND for a missing program, else ERR_SYS.
 */
#ifndef BASE_PROC_H
#define BASE_PROC_H

#include <sys/types.h>

#include "base/err.h"

struct proc {
	pid_t pid;  /* 0: none */
	int pid_fd; /* readable once the child has ended */
};

#define PROC_INIT                                                                        \
	{                                                                                \
		0, -1                                                                    \
	}

struct proc_spec {
	const char *path;	  /* program; searched in PATH when it has no slash */
	const char *const *argv;  /* NULL-terminated */
	const char *const *envp;  /* NULL-terminated; NULL passes ours on */
	int stdin_fd;		  /* -1: /dev/null */
	int stdout_fd, stderr_fd; /* -1: ours */
	/* Passed on as descriptors 3, 4, ... (-1: closed); all others are closed. */
	const int *pass_fds;
	size_t n_pass_fds;
	/* In a separate process group: what a terminal sends (Ctrl-C) reaches only us. */
	bool own_group;
	/* In a session of its own, too: it has no terminal (setsid(2)). */
	bool own_session;
};

/* Start it with default signal dispositions and an empty signal mask. */
NODISCARD struct err *proc_start(struct proc *p, const struct proc_spec *spec);
/* Wait until it ends.  `*status` is its exit status, or 128 + the signal that ended it.
 */
NODISCARD struct err *proc_wait(struct proc *p, int *status);
/* Send a signal to a child that is still running; else do nothing. */
void proc_kill(struct proc *p, int signal_number);
void proc_release(struct proc *p);
/* A close-on-exec pipe. */
NODISCARD struct err *proc_pipe(int *read_end, int *write_end);
/* Path of the running dagbuild, to start it again. */
const char *proc_self(void);
/* The whole environment for a dagbuild that is started again to handle what strangers
 * wrote: what the dynamic loader needs, if anything, and nothing else from ours. */
void proc_self_env(const char *env[2]);
/* Threads this process may run at once: CPU affinity and cgroup quota, at least 1. */
unsigned proc_cpus(void);

#endif
