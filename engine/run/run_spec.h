/* SPDX-License-Identifier: MIT
 * run_spec.h - a container request, as it travels to the child through a pipe.
 *
 * Purpose:   length-prefixed texts and lists, so that any byte may occur in them.
 * Ownership: run_spec_read() gives a spec whose texts are ended by run_spec_release().
 * Threads:   one thread.
 * Errors:    run_spec_read(): ERR_CORRUPT, ERR_SYS.
 */
#ifndef ENGINE_RUN_RUN_SPEC_H
#define ENGINE_RUN_RUN_SPEC_H

#include "base/buf.h"
#include "engine/run/container.h"

/* The child's descriptors: container.c. */
enum {
	CONTAINER_REQUEST_FD = 3,
	CONTAINER_STATUS_FD,
	CONTAINER_PROGRAM_FD,
	CONTAINER_CONSOLE_FD,
	CONTAINER_HOLD_FD,
};
/* CONTAINER_PROGRAM_FD, as a path to execute. */
#define CONTAINER_PROGRAM "/proc/self/fd/5"

/* The child's side of a request: the same members, owned. */
struct run_spec {
	struct buf data; /* what all texts point into */
	struct overlay_spec root;
	const char *script; /* NULL: none */
	const char **argv;
	const char **envp;
	const char *hostname;
	bool source_environment;
	enum security security;
	bool holds; /* CONTAINER_HOLD_FD is open */
	bool tty;
	unsigned taken; /* bit N: descriptor N becomes the terminal */
};

void run_spec_encode(const struct container_request *request, unsigned taken,
		     struct buf *out);
/* Read one whole spec from `fd`, and not a byte more. */
NODISCARD struct err *run_spec_read(int fd, struct run_spec *out);
void run_spec_release(struct run_spec *spec);

#endif
