/* SPDX-License-Identifier: MIT
 * links.c - see links.h: finding and marking; links_join.c has the rest.
 */
#include "engine/tree/links.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/folder_walk.h"
#include "base/fs.h"
#include "engine/tree/links_private.h"

/* Not one of overlayfs's own attributes (user.overlay.*): those do not go up with a
 * copy. */
static const char MARK[] = "user.dagbuild.links";

enum { PROC_PATH_SIZE = 32 + 256 };

/* A path for the *xattr calls, which do not take a descriptor with a name. */
static const char *proc_path(int dir_fd, const char *name, char *out)
{
	snprintf(out, PROC_PATH_SIZE, "/proc/self/fd/%d/%s", dir_fd, name);
	return out;
}

bool links_read_mark(int dir_fd, const char *name, char *mark)
{
	char path[PROC_PATH_SIZE];

	return lgetxattr(proc_path(dir_fd, name, path), MARK, mark, LINKS_MARK_SIZE) ==
	       LINKS_MARK_SIZE;
}

/* A file that cannot be marked behaves as without marks. */
static struct err *check(int status, const char *name)
{
	if (status == 0 || errno == ENODATA || errno == EOPNOTSUPP || errno == EPERM)
		return NULL;
	return err_sys("'%s': attribute '%s'", name, MARK);
}

/* Give it a new mark. */
static struct err *add_mark(int dir_fd, const char *name)
{
	char path[PROC_PATH_SIZE], mark[LINKS_MARK_SIZE + 1];

	fs_random_name(mark, LINKS_MARK_SIZE);
	proc_path(dir_fd, name, path);
	return check(lsetxattr(path, MARK, mark, LINKS_MARK_SIZE, 0), name);
}

struct err *links_remove_mark(int dir_fd, const char *name)
{
	char path[PROC_PATH_SIZE];

	return check(lremovexattr(proc_path(dir_fd, name, path), MARK), name);
}

static struct err *read_name(struct links *l, struct folder_walk *w, const char *name)
{
	int here = folder_walk_fd(w);
	struct links_name found;
	struct stat st;

	if (fstatat(here, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return err_sys("'%s'", name);
	if (S_ISDIR(st.st_mode))
		return folder_walk_enter(w, here, name);
	if (!S_ISREG(st.st_mode))
		return NULL;
	if (links_read_mark(here, name, found.mark)) {
		found.path = folder_walk_path_of(w, name);
		vec_push(&l->marked, found);
		return NULL;
	}
	return st.st_nlink > 1 ? add_mark(here, name) : NULL;
}

static struct err *look_at_all(struct links *l, struct folder_walk *w, int dir_fd)
{
	const char *name;

	TRY(folder_walk_enter(w, dir_fd, "."));
	while (folder_walk_is_inside(w)) {
		TRY(folder_walk_next(w, &name));
		if (name)
			TRY(read_name(l, w, name));
		else
			TRY(folder_walk_leave(w));
	}
	return NULL;
}

struct err *links_find(struct links *l, int upper_fd)
{
	CLEANUP(folder_walk_release)
	struct folder_walk w = {.stop = l->stop, .is_unsorted = true};

	return look_at_all(l, &w, upper_fd);
}

void links_release(struct links *l)
{
	for (size_t i = 0; i < l->marked.len; i++)
		free(l->marked.items[i].path);
	vec_free(&l->marked);
}
