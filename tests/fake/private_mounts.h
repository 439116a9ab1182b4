/* SPDX-License-Identifier: MIT
 * private_mounts.h - for tests: mounts that no other process sees.
 */
#ifndef TESTS_FAKE_PRIVATE_MOUNTS_H
#define TESTS_FAKE_PRIVATE_MOUNTS_H

#include <sched.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <unistd.h>

/* Call it before any thread starts.  False when this user may not mount (CTest:
 * skipped). */
static inline bool private_mounts(void)
{
	if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0)
		return false;
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

#endif
