/* SPDX-License-Identifier: MIT
 * dir_chain.h - the open folders from a root down to the place of a walk, however deep.
 *
 * Purpose:   only the innermost few are really open. A closed one is found again as `..`
 *            of the folder below it, so that a tree deeper than the limit of descriptors,
 *            or than PATH_MAX, is walked like any other. A folder that was entered
 *            through a link has another `..`: the folder above it then stays open.
 * Ownership: the chain owns what is pushed; dir_chain_release() closes all.
 * Threads:   belongs to one thread.
 * Errors:    ERR_SYS; also when folders were moved during the walk.
 */
#ifndef BASE_DIR_CHAIN_H
#define BASE_DIR_CHAIN_H

#include <sys/types.h>

#include "base/err.h"
#include "base/vec.h"

struct dir_link {
	int fd;	      /* -1: closed for now */
	bool is_kept; /* this descriptor is the only way back to it */
	dev_t device; /* its values when it was closed */
	ino_t inode;
};

struct dir_chain {
	VEC(struct dir_link) links; /* innermost last */
	size_t settled;		    /* this many from the root on are closed or kept */
	size_t n_kept;
};

#define DIR_CHAIN_INIT                                                                   \
	{                                                                                \
		{NULL, 0, 0}, 0, 0                                                       \
	}

/* Take over `fd`, an open folder (not O_PATH) in the innermost one, or the first. */
NODISCARD struct err *dir_chain_push(struct dir_chain *c, int fd);
/* Close the innermost folder; the one above it becomes the innermost, and is open. */
NODISCARD struct err *dir_chain_pop(struct dir_chain *c);
/* The innermost folder, borrowed; -1 when there is none. */
int dir_chain_fd(const struct dir_chain *c);
void dir_chain_release(struct dir_chain *c);

#endif
