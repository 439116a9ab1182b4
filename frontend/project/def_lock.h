/* SPDX-License-Identifier: MIT
 * def_lock.h - FILE.lock: what the bases of a definition were when it was locked.
 *
 * Purpose:   read, look up, write. The form is docs/lock.schema.json: short, in the order
 *            of the definition and indented, since it lies beside the definition under
 *            version control.
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
	char *platform;	 /* of who has locked it: "linux/amd64" */
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
/* `*found` false when there is none.  `given` NULL: what is there now; else what was
 * there when it was first read. */
NODISCARD struct err *def_lock_read(const char *path, struct given *given,
				    struct def_lock *out, bool *found);
/* Whole or not at all: by rename, of a path that output_follow() gave. */
NODISCARD struct err *def_lock_write(const char *path, const struct def_lock *lock);
/* NULL when it is not in there. */
const struct def_lock_base *def_lock_find(const struct def_lock *lock, const char *agent,
					  const char *reference);
/* The same image under another tag, for did-you-mean; NULL without. */
const struct def_lock_base *def_lock_find_like(const struct def_lock *lock,
					       const char *agent, const char *reference);
/* Append a copy. */
void def_lock_add(struct def_lock *lock, const struct def_lock_base *base);
void def_lock_release(struct def_lock *lock);

#endif
