/* SPDX-License-Identifier: MIT
 * mount_at.c - see mount_at.h.
 */
#include "engine/run/mount_at.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/path.h"

/* mount(2) takes paths only; this one names an open file, whatever links led to it. */
struct fd_path {
	char text[32];
};

static struct fd_path fd_path(int fd)
{
	struct fd_path path;

	snprintf(path.text, sizeof(path.text), "/proc/self/fd/%d", fd);
	return path;
}

struct err *mount_at(int root_fd, const struct mount_row *row)
{
	CLEANUP(closep) int fd = -1;
	struct fd_path path;

	TRY(path_open(root_fd, row->target, O_PATH, 0, &fd));
	path = fd_path(fd);
	if (mount(row->source, path.text, row->type, row->flags, row->options) != 0)
		return err_sys("mount '%s'", row->target);
	return NULL;
}

struct err *mount_bind(int source_fd, int target_fd, const char *name)
{
	struct fd_path source = fd_path(source_fd), target = fd_path(target_fd);

	if (mount(source.text, target.text, NULL, MS_BIND, NULL) != 0)
		return err_sys("mount '%s'", name);
	return NULL;
}

struct err *mount_restrict(int root_fd, const char *target, unsigned long flags)
{
	CLEANUP(closep) int fd = -1;
	struct statvfs st;
	struct fd_path path;

	TRY(path_open(root_fd, target, O_PATH, 0, &fd));
	if (fstatvfs(fd, &st) != 0)
		return err_sys("'%s'", target);
	/* These have the same values in statvfs(3) and mount(2). */
	flags |= st.f_flag & (ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC);
	path = fd_path(fd);
	if (mount(NULL, path.text, NULL, MS_BIND | MS_REMOUNT | flags, NULL) != 0)
		return err_sys("restrict '%s'", target);
	return NULL;
}

/* mount_setattr(2); linux/mount.h cannot be included together with sys/mount.h, which has
 * it since glibc 2.36. */
struct attributes {
	uint64_t set, clear, propagation, userns_fd;
};

struct err *mount_restrict_all(int root_fd, const char *target)
{
	static const struct attributes all = {.set = MS_RDONLY | MS_NOSUID | MS_NODEV |
						     MS_NOEXEC};
	CLEANUP(closep) int fd = -1;

	TRY(path_open(root_fd, target, O_PATH, 0, &fd));
	if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &all,
		    sizeof(all)) != 0)
		return err_sys("restrict '%s'", target);
	return NULL;
}

void mount_detach(int target_fd)
{
	struct fd_path path = fd_path(target_fd);

	umount2(path.text, MNT_DETACH);
}
