/* SPDX-License-Identifier: MIT
 * package_rest.c - see package_rest.h.
 */
#include "engine/agent/package_rest.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/dir.h"
#include "base/fs.h"
#include "base/path.h"
#include "base/vec.h"

struct matches {
	VEC(char *) list;
};

static void matches_release(struct matches *n)
{
	for (size_t i = 0; i < n->list.len; i++)
		free(n->list.items[i]);
	vec_free(&n->list);
}

static struct err *list_matches(int folder_fd, const char *pattern, struct matches *out)
{
	CLEANUP(dir_closep) DIR *dir = dir_open_fd(folder_fd);
	const char *name;

	if (!dir)
		return err_sys("list");
	while ((name = dir_next(dir)) != NULL)
		if (fnmatch(pattern, name, 0) == 0)
			vec_push(&out->list, xstrdup(name));
	return errno ? err_sys("list") : NULL;
}

static struct err *remove_from(int folder_fd, const char *pattern)
{
	CLEANUP(matches_release) struct matches found = {0};

	TRY(list_matches(folder_fd, pattern, &found));
	for (size_t i = 0; i < found.list.len; i++)
		TRY(fs_remove_tree(folder_fd, found.list.items[i]));
	return NULL;
}

static struct err *remove_one(int root_fd, const char *pattern)
{
	const char *last = path_base(pattern);
	CLEANUP(freep) char *folder = xstrndup(pattern, (size_t)(last - pattern));
	CLEANUP(closep) int fd = -1;
	struct err *e = path_open(root_fd, folder, O_RDONLY | O_DIRECTORY, 0, &fd);

	if (e && (err_code(e) == ERR_NOTFOUND || err_errno(e) == ENOTDIR ||
		  err_errno(e) == ELOOP)) {
		err_ignore(e, "it has no such folder");
		return NULL;
	}
	TRY(e);
	return err_wrap(remove_from(fd, last), "'/%s'", folder);
}

struct err *package_rest_remove(const char *root, const char *const *patterns)
{
	CLEANUP(closep) int root_fd = -1;

	TRY(fs_open(AT_FDCWD, root, O_RDONLY | O_DIRECTORY, 0, &root_fd));
	for (; *patterns; patterns++)
		TRY(remove_one(root_fd, *patterns));
	return NULL;
}
