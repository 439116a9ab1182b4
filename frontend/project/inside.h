/* SPDX-License-Identifier: MIT
 * inside.h - a command again, inside its namespaces.
 *
 * Purpose:   mounting, and work on files of subordinate owners, happen in namespaces that
 *            only a process with one thread can enter. So a command does what it can as
 *            it was started, and then executes dagbuild again as `internal-inside
 *            COMMAND`, which enters them and calls the command's other body.  The caller
 *            knows which commands there are.
 * Ownership: values; the owner of one ends its `given`.
 * Threads:   main thread only, before there are others.
 * Errors:    those of userns.h.
 */
#ifndef FRONTEND_PROJECT_INSIDE_H
#define FRONTEND_PROJECT_INSIDE_H

#include "base/err.h"
#include "frontend/project/given.h"

struct inside {
	int64_t since;	     /* clock_real_ns(), when the user gave the command */
	uint64_t started_ns; /* clock_mono_ns(), the same time */
	char id_map[256];    /* how ids are mapped, for keys */
	const char *memory;  /* registry_memory() of the first pass; may be NULL */
	struct given given;  /* texts that were read */
};

/* Take the time. */
struct inside inside_now(void);
/* Find out how ids will be mapped. */
NODISCARD struct err *inside_probe(struct inside *in);
/* Replace this process; returns only when that fails.  `argv` is what `command` was
 * given. */
NODISCARD struct err *inside_go(const struct inside *in, const char *command, int argc,
				char **argv);

/* The body of a command inside; `argv` is what the command was given.  `*status` is the
 * exit status when there is no error to show: 0 unless set. */
typedef struct err *inside_body(const struct inside *in, int argc, char **argv,
				int *status);
/* Body of `dagbuild internal-inside`.  `find` gives the body of the command of that name;
 * NULL: there is no such command, or it never goes inside. */
NODISCARD struct err *inside_main(inside_body *(*find)(const char *command), int argc,
				  char **argv, int *status);

#endif
