/* SPDX-License-Identifier: MIT
 * given.h - the texts that a user gives with a command, each read once.
 *
 * Purpose:   a definition, or a file of template arguments, may be a pipe; and these and
 *            the lock file may change while a command runs. So a command that executes
 *            dagbuild again hands over the texts that it has read, in sealed memory
 *            (memfd_create(2)); also that a file was missing, and that the texts are
 *            checked.
 * Ownership: given_release() closes what is kept.
 * Threads:   main thread only: reading a pipe waits, and a signal ends it.
 * Errors:    ERR_USAGE for what cannot be read or cannot hold a text; ERR_CORRUPT for
 *            what is too long; ERR_SYS.
 */
#ifndef FRONTEND_PROJECT_GIVEN_H
#define FRONTEND_PROJECT_GIVEN_H

#include "base/buf.h"
#include "base/err.h"

enum given_text { GIVEN_DEFINITION, GIVEN_ARGUMENTS, GIVEN_LOCK, GIVEN_TEXTS };

/* Instead of a descriptor. */
enum {
	GIVEN_UNREAD = -1, /* nobody has asked for the text */
	GIVEN_ABSENT = -2, /* there was no such file */
};

struct given {
	int fd[GIVEN_TEXTS]; /* sealed memory, or one of the above */
	/* The process before this one found no errors in the texts, and showed its
	 * warnings: its decision holds. */
	bool is_checked;
};

#define GIVEN_INIT                                                                       \
	{                                                                                \
		{GIVEN_UNREAD, GIVEN_UNREAD, GIVEN_UNREAD}, false                        \
	}

/* Append the text of the file `path` ("-": standard input) to `out`: as `given` keeps it,
 * or else as it is in the file, which `given` then keeps.  `given` NULL keeps nothing. */
NODISCARD struct err *given_read(struct given *given, enum given_text which,
				 const char *path, struct buf *out);
/* The same for a file that may be missing; `*found`: it is there. That it was missing is
 * kept, too. */
NODISCARD struct err *given_read_if_any(struct given *given, enum given_text which,
					const char *path, struct buf *out, bool *found);
/* Append what the next process must know, for its command line: "5,,-,": for each text
 * its descriptor, which the process inherits, "-" for a file that was missing, or
 * nothing. */
NODISCARD struct err *given_hand_over(const struct given *given, struct buf *out);
/* Read what given_hand_over() wrote; false when `text` is something else, or a descriptor
 * is not sealed memory.  `*given` counts as checked, if there is a definition. */
bool given_take_over(const char *text, struct given *given);
/* Can `path` be read only once: standard input, a pipe? */
bool given_is_stream(const char *path);
void given_release(struct given *given);

#endif
