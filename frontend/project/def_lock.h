/* SPDX-License-Identifier: MIT
 * def_lock.h - FILE.lock: what the bases of a definition were when it was locked.
 *
 * Purpose:   read, look up, write. The form is docs/lock.schema.json: short, in the order
 *            of the definition and indented, since the file is kept next to the
 *            definition under version control.
 * Ownership: def_lock_release() ends it.
 * Threads:   main thread only.
 * Errors:    def_lock_read(): ERR_SYNTAX for what is not a lock file, ERR_USAGE for a
 *            fifo or device, ERR_SYS.
 */
#ifndef FRONTEND_PROJECT_DEF_LOCK_H
#define FRONTEND_PROJECT_DEF_LOCK_H

#include "base/digest.h"
#include "base/err.h"
#include "base/vec.h"
#include "frontend/project/given.h"

/* All texts are for free(). */
struct def_lock_base {
	char *agent;	 /* "docker" */
	char *reference; /* "docker.io/library/alpine:3.17" */
	char *platform;	 /* of the machine that locked it: "linux/amd64" */
	char *date;	 /* of resolving: "2026-11-25T16:07:35Z" */
	struct digest digest;
};

struct def_lock {
	VEC(struct def_lock_base) bases;
};

#define DEF_LOCK_INIT                                                                    \
	{                                                                                \
		0                                                                        \
	}

/* "lab3.def" gives "lab3.def.lock", for free(). */
char *def_lock_path(const char *file);
/* `*found`: there is one.  `given` NULL: read what is there now; else take what was there
 * at the first read. */
NODISCARD struct err *def_lock_read(const char *path, struct given *given,
				    struct def_lock *out, bool *found);
/* Write it whole or not at all: by rename, to a path that output_follow() gave. */
NODISCARD struct err *def_lock_write(const char *path, const struct def_lock *lock);
/* NULL when the file does not have it. */
const struct def_lock_base *def_lock_find(const struct def_lock *lock, const char *agent,
					  const char *reference);
/* The same image with another tag, for did-you-mean; NULL without one. */
const struct def_lock_base *def_lock_find_like(const struct def_lock *lock,
					       const char *agent, const char *reference);
/* Append a copy. */
void def_lock_add(struct def_lock *lock, const struct def_lock_base *base);
void def_lock_release(struct def_lock *lock);

#endif
