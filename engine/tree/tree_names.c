/* SPDX-License-Identifier: MIT
 * tree_names.c - see tree_names.h.
 */
#include "engine/tree/tree_names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/dir.h"

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct err *tree_names(int fd, struct path_list *out)
{
	CLEANUP(dir_closep) DIR *dir = dir_open_fd(fd);
	size_t before = out->len;
	const char *name;

	if (!dir)
		return err_sys("list folder");
	while ((name = dir_next(dir)) != NULL)
		vec_push(out, xstrdup(name));
	if (errno)
		return err_sys("list folder");
	if (out->len > before)
		qsort(out->items + before, out->len - before, sizeof(*out->items),
		      compare_names);
	return NULL;
}
