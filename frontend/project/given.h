/* SPDX-License-Identifier: MIT
 * given.h - the texts that a user gives with a command, each read once.
 *
 * Purpose:   a definition, or a file of template arguments, may be a pipe; and these, and
 *            the lock file, may change while a command is at work. So a command that
 *            executes dagbuild again hands over what it has read, in sealed memory
 *            (memfd_create(2)), that it looked for a file and there was none, and that
 *            the texts are checked.
 * Ownership: given_release() closes what is kept.
 * Threads:   main thread only: reading a pipe waits, and a signal ends it.
 * Errors:    ERR_USAGE for what cannot be read or is no text's file; ERR_CORRUPT for what
 *            is too long; ERR_SYS.
 */
#ifndef FRONTEND_PROJECT_GIVEN_H
#define FRONTEND_PROJECT_GIVEN_H

#include "base/buf.h"
#include "base/err.h"

enum given_text { GIVEN_DEFINITION, GIVEN_ARGUMENTS, GIVEN_LOCK, GIVEN_TEXTS };

/* In place of a descriptor. */
enum {
	GIVEN_UNREAD = -1, /* nobody has asked for the text */
	GIVEN_ABSENT = -2, /* there was no such file */
};

struct given {
	int fd[GIVEN_TEXTS]; /* sealed memory, or what stands in its place */
	/* The process before this one has found no mistake in the texts, and shown what
	 * it warns of: what it decided holds. */
	bool is_checked;
};

#define GIVEN_INIT                                                                       \
	{                                                                                \
		{GIVEN_UNREAD, GIVEN_UNREAD, GIVEN_UNREAD}, false                        \
	}

/* Append the text in the file `path` ("-": standard input) to `out`: what is kept of it
 * in `given`, else what is in the file, which is kept then.  `given` NULL keeps
 * nothing. */
NODISCARD struct err *given_read(struct given *given, enum given_text which,
				 const char *path, struct buf *out);
/* The same for a file that need not be there, `*found`: that it was not is kept, too. */
NODISCARD struct err *given_read_if_any(struct given *given, enum given_text which,
					const char *path, struct buf *out, bool *found);
/* Append what the next process is to know, for the command line: "5,,-,": each the
 * descriptor of a text, which it then inherits, "-" for a file that was not there, or
 * nothing. */
NODISCARD struct err *given_hand_over(const struct given *given, struct buf *out);
/* What given_hand_over() wrote; false when `text` is something else, or a descriptor is
 * no sealed memory.  `*given` is checked, if there is a definition. */
bool given_take_over(const char *text, struct given *given);
/* Is `path` read once only: standard input, a pipe? */
bool given_is_stream(const char *path);
void given_release(struct given *given);

#endif
