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

int copy_target_fd(const struct copy_target *t)
{
	return dir_chain_fd(&t->folders);
}

const char *copy_target_here(const struct copy_target *t)
{
	return buf_text(&t->here);
}

/* `here` is its path already; `fd` is taken over. */
static struct err *push(struct copy_target *t, int fd)
{
	vec_push(&t->lens, t->here.len);
	return dir_chain_push(&t->folders, fd);
}

struct err *copy_target_init(struct copy_target *t, int root_fd, const char *path)
{
	const char *base = path_base(path);
	CLEANUP(freep) char *parent = xstrndup(path, (size_t)(base - path));
	int fd = -1;

	*t = (struct copy_target){.root_fd = root_fd};
	TRY(path_open(root_fd, parent, O_RDONLY | O_DIRECTORY, 0, &fd));
	parent[strlen(parent) - 1] = '\0'; /* its slash: the root becomes "" */
	buf_puts(&t->here, parent);
	t->path = xstrdup(path);
	return push(t, fd);
}

struct err *copy_target_leave(struct copy_target *t)
{
	t->lens.len--;
	buf_truncate(&t->here, t->lens.items[t->lens.len - 1]);
	return dir_chain_pop(&t->folders);
}

void copy_target_release(struct copy_target *t)
{
	dir_chain_release(&t->folders);
	buf_release(&t->here);
	vec_free(&t->lens);
	free(t->path);
	t->path = NULL;
}

struct err *copy_target_look(const struct copy_target *t, const char *name, mode_t *mode)
{
	struct stat st;

	*mode = 0;
	if (fstatat(copy_target_fd(t), name, &st, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) ==
	    0)
		*mode = st.st_mode;
	else if (errno != ENOENT)
		return err_sys("'%s/%s'", copy_target_here(t), name);
	return NULL;
}

struct err *copy_target_enter(struct copy_target *t, const char *name)
{
	int fd = -1;

	TRY(fs_open(copy_target_fd(t), name[0] ? name : ".",
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &fd));
	if (name[0])
		buf_printf(&t->here, "/%s", name);
	return push(t, fd);
}

struct err *copy_target_in_way(const struct copy_target *t, const char *name, mode_t mode)
{
	return err_new(ERR_EXISTS, "'%s/%s' is %s in the image", copy_target_here(t),
		       name, fs_kind_name(mode));
}
