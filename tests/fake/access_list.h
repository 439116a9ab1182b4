/* SPDX-License-Identifier: MIT
 * access_list.h - for tests: a list that says who may use a file, acl(5).
 */
#ifndef TESTS_FAKE_ACCESS_LIST_H
#define TESTS_FAKE_ACCESS_LIST_H

#include <sys/xattr.h>

#include "tests/fake/cmocka_all.h"

/* u::rwx,u:5:r--,g::r-x,m::r-x,o::---, as in linux/posix_acl_xattr.h: tag, permissions,
 * id. */
static UNUSED const unsigned char list_of_access[] = {
	2, 0, 0,   0,	1,   0,	  7,  0, 255, 255, 255, 255, 2,	  0,   4,
	0, 5, 0,   0,	0,   4,	  0,  5, 0,   255, 255, 255, 255, 16,  0,
	5, 0, 255, 255, 255, 255, 32, 0, 0,   0,   255, 255, 255, 255,
};

/* What is made in the folder from now on gets the list. */
static UNUSED void give_default_list(const char *folder)
{
	assert_int_equal(setxattr(folder, "system.posix_acl_default", list_of_access,
				  sizeof(list_of_access), 0),
			 0);
}

static UNUSED bool has_list(const char *path)
{
	return getxattr(path, "system.posix_acl_default", NULL, 0) >= 0 ||
	       getxattr(path, "system.posix_acl_access", NULL, 0) >= 0;
}

#endif
