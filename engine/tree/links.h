/* SPDX-License-Identifier: MIT
 * links.h - files with several names (hard links) stay one file, across layers.
 *
 * Purpose:   when a script writes to a file of a lower layer, overlayfs copies it up
 *            under the one name that was used; its other names keep what was there
 *            before. (Its option index=on, which would keep them one, needs file handles,
 *            which only root of the first user namespace may open.) So it is put right
 *            after the script: the other names of what was changed become names of it,
 *            too.
 *
 *            How is a file that was changed told from one that took its name (as most
 *            programs replace files)? When a layer is made, each regular file in it with
 *            several names gets a mark of its own, an extended attribute: it goes up with
 *            a copy, and a file that takes the name has another, or none. Images do not
 *            hold it (base/xattr_rules.h).
 *
 *            Several names of one file may have been copied up, each on its own. What
 *            only one of them has changed, content or owner and mode, is taken from it;
 *            where two have changed the content, and not to the same, they stay two
 *            files, and that is told.
 * Ownership: links_release() ends a list; descriptors are borrowed.
 * Threads:   any; nobody else may change the folders meanwhile.
 * Errors:    ERR_SYS, ERR_NOSPACE, ERR_CANCELLED.
 */
#ifndef ENGINE_TREE_LINKS_H
#define ENGINE_TREE_LINKS_H

#include "base/stop.h"
#include "base/vec.h"

enum { LINKS_MARK_SIZE = 12 }; /* bytes, at random */

/* A name of a file that had a mark when it was met. */
struct links_name {
	char *path; /* "a/b", below the upper */
	char mark[LINKS_MARK_SIZE];
};

struct links {
	struct stop stop; /* may be unset */
	VEC(struct links_name) marked;
	/* Two paths that have been changed in two ways; may be NULL. */
	void (*parted)(void *context, const char *a, const char *b);
	void *context;
};

/* List the marked files of folder `upper_fd`, what a step has written, and mark the
 * others that have several names there. */
NODISCARD struct err *links_find(struct links *l, int upper_fd);
/* With those in the list: join each with its other names in `below_fd`, the mounted
 * layers below.  Where nothing lies below, or nothing of it counts, -1: only marks are
 * put right. */
NODISCARD struct err *links_join(struct links *l, int upper_fd, int below_fd);
void links_release(struct links *l);
/* For a layer that comes as a whole from elsewhere: mark what has several names there. */
NODISCARD struct err *links_mark(int dir_fd, const struct stop *stop);

#endif
