/* SPDX-License-Identifier: MIT
 * folder_walk.h - a tree, folder by folder and name by name, in bytewise order.
 *
 *	TRY(folder_walk_enter(&w, dir_fd, "tree"));
 *	while (folder_walk_is_inside(&w)) {
 *		TRY(folder_walk_next(&w, &name));
 *		if (name)
 *			... look at it; if it is a folder, folder_walk_enter() it
 *		else
 *			TRY(folder_walk_leave(&w));
 *	}
 *
 * Purpose:   every walk over files that strangers or scripts made: neither its stack nor
 *            its descriptors (dir_chain.h) grow with the depth, and its memory holds the
 *            names in the folders that it is in, which have a limit.
 * Ownership: folder_walk_release() ends a walk; descriptors and texts are borrowed from
 *            it.
 * Threads:   belongs to one thread.
 * Errors:    ERR_CANCELLED; ERR_SYS, also past a limit.
 */
#ifndef BASE_FOLDER_WALK_H
#define BASE_FOLDER_WALK_H

#include "base/buf.h"
#include "base/dir_chain.h"
#include "base/stop.h"

/* How many bytes of names a walk may keep for the folders that it is in: three million
 * names of 20 characters in one folder. */
enum { FOLDER_WALK_MEMORY = 72 << 20 };

/* A folder that the walk is in. */
struct folder_level {
	size_t path_len; /* of the walk's path above it */
	size_t text;	 /* where its names begin in `text` */
	size_t names;	 /* and in `names` */
	size_t next;	 /* in `names`: the next one */
};

struct folder_walk {
	size_t memory_max; /* bytes; 0: FOLDER_WALK_MEMORY */
	struct stop stop;  /* asked for each name; may be unset */
	bool is_unsorted;  /* any order will do */
	/* ---- private ---- */
	struct dir_chain folders;
	VEC(struct folder_level) levels;
	VEC(char) text;	     /* the names, each with its NUL */
	VEC(uint32_t) names; /* where they begin in `text`, sorted within each folder */
	struct buf path;     /* of the innermost folder, below the first: "a/b", or "" */
};

/* Enter folder `name` of `dir_fd`, not through a link.  Except for the first folder,
 * `dir_fd` is folder_walk_fd(), and `name` may be what folder_walk_next() gave. */
NODISCARD struct err *folder_walk_enter(struct folder_walk *w, int dir_fd,
					const char *name);
/* The same for a folder that is already open (not O_PATH): takes over `fd`. */
NODISCARD struct err *folder_walk_push(struct folder_walk *w, int fd, const char *name);
/* The next name in the innermost folder, NULL after the last; valid until the walk enters
 * another folder. */
NODISCARD struct err *folder_walk_next(struct folder_walk *w, const char **name);
NODISCARD struct err *folder_walk_leave(struct folder_walk *w);
bool folder_walk_is_inside(const struct folder_walk *w);
/* Of the innermost folder: its descriptor, how many folders are above it in the walk, its
 * path below the first one ("" for the first), and how many names it has. */
int folder_walk_fd(const struct folder_walk *w);
size_t folder_walk_depth(const struct folder_walk *w);
const char *folder_walk_path(const struct folder_walk *w);
size_t folder_walk_count(const struct folder_walk *w);
/* "a/b/name", for free(). */
char *folder_walk_path_of(const struct folder_walk *w, const char *name);
/* Put the path into an error about `name`, which folder_walk_next() gave at `depth`; a
 * cancellation, an error with a cause, and NULL pass unchanged. */
NODISCARD struct err *folder_walk_blame(const struct folder_walk *w, size_t depth,
					const char *name, struct err *e);
void folder_walk_release(struct folder_walk *w);

#endif
