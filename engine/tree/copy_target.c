/* SPDX-License-Identifier: MIT
 * copy_target.c - see copy_target.h.
 */
#include "engine/tree/copy_target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/path.h"

const struct target_folder *copy_target_here(const struct copy_target *t)
{
	return &t->folders.items[t->folders.len - 1];
}

struct err *copy_target_init(struct copy_target *t, int root_fd, const char *path)
{
	const char *base = path_base(path);
	CLEANUP(freep) char *parent = xstrndup(path, (size_t)(base - path));
	int fd = -1;

	*t = (struct copy_target){.root_fd = root_fd};
	TRY(path_open(root_fd, parent, O_RDONLY | O_DIRECTORY, 0, &fd));
	parent[strlen(parent) - 1] = '\0'; /* its slash: the root becomes "" */
	vec_push(&t->folders, ((struct target_folder){fd, STEAL(parent)}));
	t->path = xstrdup(path);
	return NULL;
}

void copy_target_leave(struct copy_target *t)
{
	struct target_folder *f = &t->folders.items[--t->folders.len];

	close(f->fd);
	free(f->path);
}

void copy_target_release(struct copy_target *t)
{
	while (t->folders.len > 0)
		copy_target_leave(t);
	vec_free(&t->folders);
	free(t->path);
	t->path = NULL;
}

struct err *copy_target_look(const struct copy_target *t, const char *name, mode_t *mode)
{
	struct stat st;

	*mode = 0;
	if (fstatat(copy_target_here(t)->fd, name, &st,
		    AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) == 0)
		*mode = st.st_mode;
	else if (errno != ENOENT)
		return err_sys("'%s/%s'", copy_target_here(t)->path, name);
	return NULL;
}

struct err *copy_target_enter(struct copy_target *t, const char *name)
{
	const struct target_folder *here = copy_target_here(t);
	char *path = name[0] ? xasprintf("%s/%s", here->path, name) : xstrdup(here->path);
	int fd = -1;
	struct err *e = fs_open(here->fd, name[0] ? name : ".",
				O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &fd);

	if (e) {
		free(path);
		return e;
	}
	vec_push(&t->folders, ((struct target_folder){fd, path}));
	return NULL;
}

struct err *copy_target_in_way(const struct copy_target *t, const char *name, mode_t mode)
{
	const char *what = S_ISDIR(mode)    ? "a folder"
			   : S_ISLNK(mode)  ? "a link"
			   : S_ISREG(mode)  ? "a file"
			   : S_ISFIFO(mode) ? "a fifo"
			   : S_ISSOCK(mode) ? "a socket"
					    : "a device";

	return err_new(ERR_EXISTS, "'%s/%s' is %s in the image",
		       copy_target_here(t)->path, name, what);
}
