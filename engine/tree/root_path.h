/* SPDX-License-Identifier: MIT
 * root_path.h - finding out where a path leads inside a root filesystem.
 *
 * Purpose:   path_open() opens what exists; this says where something that may not exist
 *            yet would lie, as Apptainer's copy rules and layer tars want it: links are
 *            followed as if the root were `/`, also dangling ones, and missing components
 *            are kept.
 * Ownership: strings given out are the caller's.
 * Threads:   any; nothing else may change the root meanwhile (a race can lead elsewhere
 *            in the root, but not out of it, since path_open() opens everything).
 * Errors:    ERR_SYS (ELOOP, ENOTDIR, ENAMETOOLONG), ERR_NOSPACE.
 */
#ifndef ENGINE_TREE_ROOT_PATH_H
#define ENGINE_TREE_ROOT_PATH_H

#include <sys/types.h>
#include <time.h>

#include "base/err.h"

/* `*out`: absolute inside the root, without links, `.`, `..` or a slash at its end ("/"
 * is the root itself).  With `follow_last` false the last component may remain a link. */
NODISCARD struct err *root_resolve(int root_fd, const char *path, bool follow_last,
				   char **out);
/* Called after each folder that root_make_folders() made; `path` is as root_resolve()
 * gives it. */
typedef void root_made_fn(void *context, const char *path);
/* Make every missing folder of `path` (as root_resolve() gives it), each exactly 0755 and
 * owned by us.  A non-folder in the way is replaced if `replace`, else it is ENOTDIR. */
struct root_make {
	bool replace;
	/* Modification time of the new folders; the folder they are made in then keeps
	 * its own.  NULL: the present time for both. */
	const struct timespec *mtime;
	root_made_fn *made; /* may be NULL */
	void *context;
};
NODISCARD struct err *root_make_folders(int root_fd, const char *path,
					const struct root_make *how);

#endif
