/* SPDX-License-Identifier: MIT
 * fs_remove.c - fs_remove_tree(): see fs.h.
 *
 * A tree may be deeper than the limit of descriptors, PATH_MAX or a stack allow: only the
 * innermost folders stay open.  A closed one is found again as `..` of the one below it,
 * and read again from its start; what was removed from it is gone by then.
 */
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/dir.h"
#include "base/interrupt.h"
#include "base/vec.h"

enum { OPEN_MAX = 8 };

/* A folder that is being emptied. */
struct emptied {
	char *name; /* in the folder above; "" for the first */
	DIR *dir;   /* NULL: closed for now */
	dev_t device;
	ino_t inode;
};

struct removal {
	VEC(struct emptied) folders; /* innermost last */
	dev_t device;
	uint64_t began_ns;
};

static void drop_innermost(struct removal *r)
{
	struct emptied *f = &r->folders.items[--r->folders.len];

	dir_closep(&f->dir);
	free(f->name);
}

static void removal_release(struct removal *r)
{
	while (r->folders.len > 0)
		drop_innermost(r);
	vec_free(&r->folders);
}

static struct err *open_folder(int dir_fd, const char *name, int *fd)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

	*fd = openat(dir_fd, name, flags);
	/* overlayfs leaves work folders with mode 000 behind */
	if (*fd < 0 && errno == EACCES && fchmodat(dir_fd, name, 0700, 0) == 0)
		*fd = openat(dir_fd, name, flags);
	return *fd >= 0 ? NULL : err_sys("remove '%s'", name);
}

static struct err *enter(struct removal *r, int dir_fd, const char *name)
{
	CLEANUP(closep) int fd = -1;
	struct emptied f = {0};
	struct stat st;

	TRY(open_folder(dir_fd, name, &fd));
	if (fstat(fd, &st) != 0)
		return err_sys("remove '%s'", name);
	if (st.st_dev != r->device)
		return err_new(ERR_SYS, "remove '%s': something is mounted there", name);
	if ((st.st_mode & 0700) != 0700)
		(void)fchmod(fd, 0700); /* if this fails, removing its entries says why */
	f.dir = dir_open_fd(fd);
	if (!f.dir)
		return err_sys("remove '%s'", name);
	f.name = xstrdup(name);
	f.device = st.st_dev;
	f.inode = st.st_ino;
	vec_push(&r->folders, f);
	if (r->folders.len > OPEN_MAX) {
		struct emptied *outer = &r->folders.items[r->folders.len - 1 - OPEN_MAX];

		dir_closep(&outer->dir);
		outer->dir = NULL;
	}
	return NULL;
}

/* Open the innermost folder again, from `below`, which was in it.  Nothing may be removed
 * elsewhere: if `below` was moved meanwhile, its `..` is another folder. */
static struct err *find_again(struct emptied *f, int below)
{
	CLEANUP(closep) int fd = -1;
	struct stat st;

	TRY(fs_open(below, "..", O_RDONLY | O_DIRECTORY, 0, &fd));
	if (fstat(fd, &st) != 0)
		return err_sys("remove");
	if (st.st_dev != f->device || st.st_ino != f->inode)
		return err_new(ERR_SYS, "a folder was moved while it was removed");
	f->dir = dir_open_fd(fd);
	return f->dir ? NULL : err_sys("remove");
}

/* The innermost folder is empty. */
static struct err *leave(struct removal *r)
{
	struct emptied *done = &r->folders.items[r->folders.len - 1];
	CLEANUP(freep) char *name = STEAL(done->name);

	if (r->folders.len > 1) {
		struct emptied *above = done - 1;

		if (!above->dir)
			TRY(find_again(above, dirfd(done->dir)));
		assert(above->dir);
		if (unlinkat(dirfd(above->dir), name, AT_REMOVEDIR) != 0 &&
		    errno != ENOENT)
			return err_sys("remove '%s'", name);
	}
	drop_innermost(r);
	return NULL;
}

/* True when it was removed or is missing; false for a folder. */
static struct err *remove_plain(int dir_fd, const char *name, bool *removed)
{
	struct stat st;

	*removed = true;
	if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
		return NULL;
	if (errno != EISDIR && errno != EPERM)
		return err_sys("remove '%s'", name);
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return err_sys("remove '%s'", name);
	if (!S_ISDIR(st.st_mode))
		return err_new(ERR_SYS, "remove '%s': not permitted", name);
	*removed = false;
	return NULL;
}

/* Remove the next entry of the innermost folder, or go into it, or leave the folder. */
static struct err *step(struct removal *r)
{
	DIR *dir = r->folders.items[r->folders.len - 1].dir;
	const char *name = dir_next_always(dir);
	bool removed;

	if (interrupt_is_late(r->began_ns))
		return err_new(ERR_CANCELLED, "interrupted: the rest is not removed");
	if (!name)
		return errno ? err_sys("remove") : leave(r);
	TRY(remove_plain(dirfd(dir), name, &removed));
	return removed ? NULL : enter(r, dirfd(dir), name);
}

struct err *fs_remove_tree(int dir_fd, const char *path)
{
	CLEANUP(removal_release) struct removal r = {.began_ns = clock_mono_ns()};
	struct stat st;
	bool removed;

	if (fstatat(dir_fd, path, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? NULL : err_sys("remove '%s'", path);
	r.device = st.st_dev;
	TRY(remove_plain(dir_fd, path, &removed));
	if (removed)
		return NULL;
	TRY(enter(&r, dir_fd, path));
	while (r.folders.len > 0)
		TRY(step(&r));
	if (unlinkat(dir_fd, path, AT_REMOVEDIR) != 0 && errno != ENOENT)
		return err_sys("remove '%s'", path);
	return NULL;
}
