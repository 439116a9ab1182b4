/* SPDX-License-Identifier: MIT
 * private_mounts.h - for tests: mounts that nobody else sees, and a scratch folder.
 */
#ifndef TESTS_FAKE_PRIVATE_MOUNTS_H
#define TESTS_FAKE_PRIVATE_MOUNTS_H

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/fs.h"

/* Before any thread starts.  False when this user may not (CTest: skipped). */
static inline bool private_mounts(void)
{
	if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0)
		return false;
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

/* A new folder below the build folder (overlayfs wants a real filesystem, and /tmp may be
 * a tmpfs without user xattrs); for free(). */
static inline char *test_folder_new(void)
{
	const char *base = getenv("BINARY");
	char *path = xasprintf("%s/test-XXXXXX", base ? base : "/var/tmp");

	if (!mkdtemp(path))
		abort();
	return path;
}

static inline void test_folder_remove(char *path)
{
	err_ignore(fs_remove_tree(AT_FDCWD, path), "a test's scratch folder");
	free(path);
}

#endif
