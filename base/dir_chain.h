/* SPDX-License-Identifier: MIT
 * dir_chain.h - the open folders from a root down to where a walk is, however deep.
 *
 * Purpose:   only the innermost few are really open. One that was closed is found again
 *            as `..` of the folder below it, so that a tree deeper than the limit of
 *            descriptors, or than PATH_MAX, is walked like any other. A folder that was
 *            entered through a link has another `..`: the one above stays open then.
 * Ownership: what is pushed belongs to the chain; dir_chain_release() closes all.
 * Threads:   belongs to one thread.
 * Errors:    ERR_SYS; also when folders were moved while they were walked.
 */
#ifndef BASE_DIR_CHAIN_H
#define BASE_DIR_CHAIN_H

#include <sys/types.h>

#include "base/err.h"
#include "base/vec.h"

struct dir_link {
	int fd;	      /* -1: closed for now */
	bool is_kept; /* there is no way back to it but this descriptor */
	dev_t device; /* what it was when it was closed */
	ino_t inode;
};

struct dir_chain {
	VEC(struct dir_link) links; /* innermost last */
	size_t settled;		    /* so many from the root on are closed, or kept */
	size_t n_kept;
};

#define DIR_CHAIN_INIT                                                                   \
	{                                                                                \
		{NULL, 0, 0}, 0, 0                                                       \
	}

/* Take over `fd`, an open folder (not O_PATH) in the innermost one, or the first. */
NODISCARD struct err *dir_chain_push(struct dir_chain *c, int fd);
/* Close the innermost folder; the one above it is the innermost then, and open. */
NODISCARD struct err *dir_chain_pop(struct dir_chain *c);
/* The innermost folder, borrowed; -1 when there is none. */
int dir_chain_fd(const struct dir_chain *c);
void dir_chain_release(struct dir_chain *c);

#endif
