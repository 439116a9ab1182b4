/* SPDX-License-Identifier: MIT
 * copy_target.h - the writing half of `%files`: a place in a root filesystem.
 *
 * Purpose:   the two visitors of a walk, one for each kind of copy. Every name is made
 *            relative to an open folder that was reached inside the root, and links are
 *            followed only inside the root, so that nothing is ever written outside.
 * Ownership: copy_target_release() ends a target; the root descriptor is borrowed.
 * Threads:   a target belongs to one thread.
 * Errors:    ERR_EXISTS for what must not be replaced, ERR_SYS, ERR_NOSPACE.
 */
#ifndef ENGINE_TREE_COPY_TARGET_H
#define ENGINE_TREE_COPY_TARGET_H

#include "base/buf.h"
#include "base/dir_chain.h"
#include "base/vec.h"
#include "engine/tree/tree_walk.h"

struct copy_target {
	int root_fd; /* borrowed */
	char *path;  /* of the copy itself: absolute inside the root, as root_resolve() */
	bool keeps_named; /* the named folder gets what its source has, too */
	/* ---- private ---- */
	struct dir_chain folders; /* the first holds `path` */
	struct buf here;  /* the innermost: absolute, without links; "" is the root */
	VEC(size_t) lens; /* of `here`, for each folder */
};

extern const struct walk_visitor copy_host_visitor, copy_stage_visitor;

/* `path` is where the named source itself goes; the folder it lies in must exist. */
NODISCARD struct err *copy_target_init(struct copy_target *t, int root_fd,
				       const char *path);
void copy_target_release(struct copy_target *t);

/* For the visitors: */
/* The present folder, borrowed, and its path. */
int copy_target_fd(const struct copy_target *t);
const char *copy_target_here(const struct copy_target *t);
/* What lies at `name` in the present folder, links not followed; `*mode` 0: nothing. */
NODISCARD struct err *copy_target_look(const struct copy_target *t, const char *name,
				       mode_t *mode);
/* Enter folder `name` of the present one, which is not a link; "" enters the present one
 * again. */
NODISCARD struct err *copy_target_enter(struct copy_target *t, const char *name);
NODISCARD struct err *copy_target_leave(struct copy_target *t);
/* An ERR_EXISTS that says what lies at `name`. */
NODISCARD struct err *copy_target_in_way(const struct copy_target *t, const char *name,
					 mode_t mode);

#endif
