/* SPDX-License-Identifier: MIT
 * given.h - the texts that a user gives with a command, each read once.
 *
 * Purpose:   a definition, or a file of template arguments, may be a pipe; and a file may
 *            change while we are at work. So a command that executes dagbuild again hands over
 *            what it has read, in sealed memory (memfd_create(2)).
 * Ownership: given_release() closes what is kept.
 * Threads:   main thread only: reading a pipe waits, and a signal ends it.
 * Errors:    ERR_USAGE for what cannot be read or is no text's file; ERR_CORRUPT for what is
 *            too long; ERR_SYS.
 */
#ifndef FRONTEND_PROJECT_GIVEN_H
#define FRONTEND_PROJECT_GIVEN_H

#include "base/buf.h"
#include "base/err.h"

enum given_text { GIVEN_DEFINITION, GIVEN_ARGUMENTS, GIVEN_TEXTS };

struct given {
	int fd[GIVEN_TEXTS]; /* memory; -1: none */
};

#define GIVEN_INIT                                                                       \
	{                                                                                \
		{                                                                        \
			-1, -1                                                           \
		}                                                                        \
	}

/* Append the text in the file `path` ("-": standard input) to `out`: what is kept of it in
 * `given`, else what is in the file, which is kept then.  `given` NULL keeps nothing. */
NODISCARD struct err *given_read(struct given *given, enum given_text which,
				 const char *path, struct buf *out);
/* Is `path` read once only: standard input, a pipe? */
bool given_is_stream(const char *path);
void given_release(struct given *given);

#endif
