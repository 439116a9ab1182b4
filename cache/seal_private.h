/* SPDX-License-Identifier: MIT
 * seal_private.h - what the two files of the seal share.
 */
#ifndef CACHE_SEAL_PRIVATE_H
#define CACHE_SEAL_PRIVATE_H

#include <stdio.h>

enum {
	/* 1 hashed contents with their holes, 2 lacked access control lists; 3 named the
	 * contents of a registry's layer by SHA-256, too. */
	SEAL_VERSION = 4,
	SEAL_PATH_SIZE = 32 + 256,
};

/* A path for the *xattr calls, which have no form with a descriptor and a name. */
static inline void seal_path(int dir_fd, const char *name, char *out)
{
	snprintf(out, SEAL_PATH_SIZE, "/proc/self/fd/%d/%s", dir_fd, name);
}

#endif
