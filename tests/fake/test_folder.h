/* SPDX-License-Identifier: MIT
 * test_folder.h - for tests: a new folder for what they make.
 */
#ifndef TESTS_FAKE_TEST_FOLDER_H
#define TESTS_FAKE_TEST_FOLDER_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"

/* A new folder in TMPDIR, which tests/scratch.sh puts on a tmpfs; for
 * test_folder_remove().  When run by hand, it is below the build folder: overlayfs needs
 * a filesystem with user attributes, which /tmp may lack. */
static inline char *test_folder_new(void)
{
	const char *base = getenv("TMPDIR");
	char *path;

	if (!base)
		base = getenv("BINARY");
	path = xasprintf("%s/test-XXXXXX", base ? base : "/var/tmp");
	if (!mkdtemp(path))
		abort();
	return path;
}

static inline void test_folder_remove(char *path)
{
	err_ignore(fs_remove_tree(AT_FDCWD, path), "a test's folder");
	free(path);
}

#endif
