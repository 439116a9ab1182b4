/* SPDX-License-Identifier: MIT
 * copy_host.c - what `cp -fLr` makes, inside a root filesystem.
 *
 * New things belong to root, have the source's mode less 0002 (Apptainer's umask while it
 * builds) and less the set-id bits, and the present time.  An existing file is written
 * into: it keeps its owner, mode and inode.  Where a link lies in place of a file, cp
 * writes through it, which in Apptainer leads out onto the host; here it leads inside the
 * root.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/path.h"
#include "engine/tree/copy_target.h"
#include "engine/tree/root_path.h"

static struct err *host_enter(void *context, const struct walk_entry *entry)
{
	struct copy_target *t = context;
	int here = copy_target_fd(t);
	mode_t mode;

	TRY(copy_target_look(t, entry->name, &mode));
	if (mode && !S_ISDIR(mode))
		return copy_target_in_way(t, entry->name, mode);
	if (mode)
		return copy_target_enter(t, entry->name);
	if (mkdirat(here, entry->name, 0700) != 0 ||
	    fchmodat(here, entry->name, entry->stat.st_mode & 01775, 0) != 0)
		return err_sys("make folder '%s/%s'", copy_target_here(t), entry->name);
	return copy_target_enter(t, entry->name);
}

static struct err *host_leave(void *context, const struct walk_entry *entry)
{
	(void)entry;
	return copy_target_leave(context);
}

static struct err *create_file(int dir_fd, const char *name, mode_t mode, int *fd)
{
	TRY(fs_open(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600, fd));
	/* The umask of this process must not show. */
	if (fchmod(*fd, mode & 0775) != 0)
		return err_sys("'%s'", name);
	return NULL;
}

/* Write through the link at `name`, to where it leads inside the root. */
static struct err *open_through(const struct copy_target *t,
				const struct walk_entry *entry, int *fd)
{
	CLEANUP(freep)
	char *path = xasprintf("%s/%s", copy_target_here(t), entry->name);
	CLEANUP(freep) char *real = NULL;
	CLEANUP(closep) int dir = -1;
	const char *name;
	struct stat st;

	TRY(root_resolve(t->root_fd, path, true, &real));
	TRY(path_open_parent(t->root_fd, real, &dir, &name));
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno != ENOENT)
			return err_sys("'%s'", real);
		return create_file(dir, name, entry->stat.st_mode, fd);
	}
	if (!S_ISREG(st.st_mode))
		return copy_target_in_way(t, entry->name, st.st_mode);
	return fs_open(dir, name, O_WRONLY | O_TRUNC | O_NOFOLLOW, 0, fd);
}

static struct err *host_file(void *context, const struct walk_entry *entry, int *fd)
{
	const struct copy_target *t = context;
	int here = copy_target_fd(t);
	mode_t mode;

	TRY(copy_target_look(t, entry->name, &mode));
	if (!mode)
		return create_file(here, entry->name, entry->stat.st_mode, fd);
	if (S_ISLNK(mode))
		return open_through(t, entry, fd);
	/* A folder; or a device, which would be one of the host's, or a fifo, for which
	 * we would wait for ever. */
	if (!S_ISREG(mode))
		return copy_target_in_way(t, entry->name, mode);
	return fs_open(here, entry->name, O_WRONLY | O_TRUNC | O_NOFOLLOW, 0, fd);
}

static struct err *host_finish(void *context, const struct walk_entry *entry, int fd)
{
	(void)context;
	(void)entry;
	(void)fd;
	return NULL;
}

/* Links were followed: what is left are fifos, devices and sockets. */
static struct err *host_other(void *context, const struct walk_entry *entry)
{
	const struct copy_target *t = context;
	int here = copy_target_fd(t);
	mode_t mode;

	TRY(copy_target_look(t, entry->name, &mode));
	if (mode)
		return copy_target_in_way(t, entry->name, mode);
	if (mknodat(here, entry->name, (entry->stat.st_mode & S_IFMT) | 0600,
		    entry->stat.st_rdev) != 0 ||
	    fchmodat(here, entry->name, entry->stat.st_mode & 0775, 0) != 0)
		return err_sys("make special file '%s/%s'", copy_target_here(t),
			       entry->name);
	return NULL;
}

const struct walk_visitor copy_host_visitor = {
	.enter = host_enter,
	.leave = host_leave,
	.file = host_file,
	.finish = host_finish,
	.other = host_other,
};
