/* SPDX-License-Identifier: MIT
 * shell.h - a shell on a root filesystem of the store.
 *
 * Purpose:   a shell after a step that is in the cache, or in one that failed. It is the
 *            same container that the step had; what is written there is thrown away.
 * Ownership: everything is borrowed.
 * Threads:   a process with one thread, in its namespaces.
 * Errors:    ERR_NOTFOUND for a failed root that is gone; those of container.h.
 */
#ifndef ENGINE_SHELL_SHELL_H
#define ENGINE_SHELL_SHELL_H

#include "cache/failed.h"
#include "engine/executor/exec.h"

struct shell_options {
	/* NULL-terminated; empty: $SHELL, /bin/bash or /bin/sh, whichever exists
	 * first. */
	const char *const *command;
	bool tty; /* our standard input and output are a terminal */
	/* Asked for by the user; else it is the step's. */
	bool has_security;
	enum security security;
};

/* `*status` is the shell's. */
NODISCARD struct err *shell_on_failed(const struct store *s, const struct failed *f,
				      const struct shell_options *options, int *status);
/* `id` is a step that was a hit. */
NODISCARD struct err *shell_on_step(const struct exec *x, struct node_id id,
				    const struct shell_options *options, int *status);

#endif
