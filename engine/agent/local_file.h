/* SPDX-License-Identifier: MIT
 * local_file.h - a file or folder of this host that a stage starts from.
 *
 * Purpose:   it is what it holds: a copy elsewhere, or one with other times, is the same
 *            base; and it must stay what it is while it is used.
 * Ownership: local_file_close() ends one.
 * Threads:   called on a task's thread.
 * Errors:    ERR_USAGE when there is nothing to be used; ERR_SYS, ERR_CANCELLED.
 */
#ifndef ENGINE_AGENT_LOCAL_FILE_H
#define ENGINE_AGENT_LOCAL_FILE_H

#include <sys/stat.h>

#include "engine/agent/agent.h"

struct local_file {
	const char *path; /* as in the definition: from the current folder */
	int fd;
	struct stat stat; /* of when it was opened, or checked */
};

#define LOCAL_FILE_INIT                                                                  \
	{                                                                                \
		.fd = -1                                                                 \
	}

NODISCARD struct err *local_file_open(const char *path, struct local_file *out);
/* A name for what a regular file holds, and for how it is read: `kind`, a literal, and
 * `part`, which of the things in it (NULL: all). */
NODISCARD struct err *local_file_name(const struct agent_context *c,
				      const struct local_file *f, const char *kind,
				      const char *part, struct digest *out);
/* After it was read: is it what it was when it was opened, and has it that name?  If not,
 * nothing that was read counts. */
NODISCARD struct err *local_file_check(const struct agent_context *c,
				       struct local_file *f, const char *kind,
				       const char *part, const struct digest *name);
void local_file_close(struct local_file *f);

#endif
