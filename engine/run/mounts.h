/* SPDX-License-Identifier: MIT
 * mounts.h - the file systems of a container, mounted into its root before it is entered.
 *
 * Purpose:   /proc, /sys, /dev, and private copies of the host's resolv.conf and hosts,
 *            the latter with the container's own name. All targets are resolved inside
 *            the root: a link of the image leads nowhere else. No device can be opened
 *            except those of /dev and its terminals (SECURITY_CONTAINER).
 * Ownership: mounts end with the mount namespace; mounts_clear() removes what was made in
 *            the root only to be mounted over.
 * Threads:   a child process with one thread.
 * Errors:    ERR_SYS with the target's path.
 */
#ifndef ENGINE_RUN_MOUNTS_H
#define ENGINE_RUN_MOUNTS_H

#include "base/err.h"
#include "engine/run/security.h"

/* Files that did not exist and were made as mount points. */
struct mount_stubs {
	const char *paths[2];
	size_t len;
};

struct mount_plan {
	bool writable; /* the root takes new files */
	const char *hostname;
	enum security security;
};

NODISCARD struct err *mounts_make(int root_fd, const struct mount_plan *plan,
				  struct mount_stubs *stubs);
/* With the container's processes gone: unmount and remove the stubs. */
void mounts_clear(int root_fd, const struct mount_stubs *stubs);

#endif
