/* SPDX-License-Identifier: MIT
 * mount_at.h - mounting on a path inside a root.
 *
 * Purpose:   the target is resolved in the root first: no link of an image leads out.
 * Ownership: mounts end with the mount namespace.
 * Threads:   a child process with one thread.
 * Errors:    ERR_NOTFOUND for a target that is not there, ERR_SYS; with the target's
 *            path.
 */
#ifndef ENGINE_RUN_MOUNT_AT_H
#define ENGINE_RUN_MOUNT_AT_H

#include "base/err.h"

struct mount_row {
	const char *target;
	const char *source, *type;
	unsigned long flags; /* mount(2) */
	const char *options;
};

NODISCARD struct err *mount_at(int root_fd, const struct mount_row *row);
/* Bind the file `source_fd` over `target_fd`; `name` is for the error. */
NODISCARD struct err *mount_bind(int source_fd, int target_fd, const char *name);
/* Add flags (MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC) to the mount whose root `target`
 * is; flags that it has already stay, as it must in a user namespace:
 * mount_namespaces(7). */
NODISCARD struct err *mount_restrict(int root_fd, const char *target,
				     unsigned long flags);
/* The same with MS_RDONLY, MS_NOSUID, MS_NODEV and MS_NOEXEC, for it and all that is
 * mounted below; from Linux 5.12 on. */
NODISCARD struct err *mount_restrict_all(int root_fd, const char *target);
void mount_detach(int target_fd);

#endif
