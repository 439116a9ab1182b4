/* SPDX-License-Identifier: MIT
 * links.h - files with several names (hard links) stay one file, across layers.
 *
 * Purpose:   when a script writes to a file of a lower layer, overlayfs copies it up
 *            under the one name that was used; its other names keep the old file. (Its
 *            option index=on, which would keep them one, needs file handles, which only
 *            root of the first user namespace may open.) So after the script the other
 *            names of a changed file become names of it, too.
 *
 *            How is a changed file told from one that took its name (as most programs
 *            replace files)? When a layer is made, each regular file in it with several
 *            names gets a mark of its own, an extended attribute: it goes up with a copy,
 *            and a file that takes the name has another mark, or none. Images do not hold
 *            marks (base/xattr_rules.h).
 *
 *            Several names of one file may have been copied up, each on its own. If only
 *            one of them has changed the content, or owner and mode, the change is taken
 *            from it; if two have changed the content to different things, they stay two
 *            files, and the user is told.
 * Ownership: links_release() ends a list; descriptors are borrowed.
 * Threads:   any; nothing else may change the folders meanwhile.
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
	/* Called with two paths that were changed in two ways; may be NULL. */
	void (*parted)(void *context, const char *a, const char *b);
	void *context;
};

/* List the marked files of folder `upper_fd`, which a step has written, and mark the
 * other files that have several names there. */
NODISCARD struct err *links_find(struct links *l, int upper_fd);
/* Join each file in the list with its other names in `below_fd`, the mounted layers
 * below. -1 when nothing lies below, or nothing there counts: then only marks are put
 * right. */
NODISCARD struct err *links_join(struct links *l, int upper_fd, int below_fd);
void links_release(struct links *l);
/* For a layer that comes as a whole from elsewhere: mark the files that have several
 * names there. */
NODISCARD struct err *links_mark(int dir_fd, const struct stop *stop);

#endif
