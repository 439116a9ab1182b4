/* SPDX-License-Identifier: MIT
 * tree_names.c - see tree_names.h.
 */
#include "engine/tree/tree_names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void closedirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct err *tree_names(int fd, struct path_list *out)
{
	CLEANUP(closep) int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	CLEANUP(closedirp) DIR *dir = own >= 0 ? fdopendir(own) : NULL;
	size_t before = out->len;
	struct dirent *entry;

	if (!dir)
		return err_sys("list folder");
	(void)steal_fd(&own); /* the stream's now */
	rewinddir(dir);	      /* the duplicate shares its offset with `fd` */
	while (errno = 0, (entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			vec_push(out, xstrdup(entry->d_name));
	if (errno)
		return err_sys("list folder");
	if (out->len > before)
		qsort(out->items + before, out->len - before, sizeof(*out->items),
		      compare_names);
	return NULL;
}
