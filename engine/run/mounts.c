/* SPDX-License-Identifier: MIT
 * mounts.c - see mounts.h.
 */
#include "engine/run/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/path.h"

static const size_t HOST_FILE_MAX = (size_t)1 << 20;

/* mount(2) takes paths only; this one names an open file, whatever links led to it. */
static void fd_path(int fd, char *out, size_t size)
{
	snprintf(out, size, "/proc/self/fd/%d", fd);
}

struct mount_row {
	const char *target;
	const char *source, *type;
	unsigned long flags;
	const char *options;
};

static struct err *mount_at(int root_fd, const struct mount_row *row)
{
	CLEANUP(closep) int fd = -1;
	char path[64];

	TRY(path_open(root_fd, row->target, O_PATH, 0, &fd));
	fd_path(fd, path, sizeof(path));
	if (mount(row->source, path, row->type, row->flags, row->options) != 0)
		return err_sys("mount '%s'", row->target);
	return NULL;
}

static struct err *mount_proc(int root_fd)
{
	static const struct mount_row own = {"/proc", "proc", "proc",
					     MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL};
	static const struct mount_row host = {"/proc", "/proc", NULL, MS_BIND | MS_REC,
					      NULL};
	struct err *e = mount_at(root_fd, &own);

	if (!e || err_errno(e) != EPERM)
		return e;
	/* Within another container whose /proc is masked, the kernel permits no new one.
	 */
	err_ignore(e, "the host's is bound instead");
	return mount_at(root_fd, &host);
}

/* A single bind of /sys is refused in a user namespace: what was mounted by a more
 * privileged one is locked together (mount_namespaces(7)). */
static struct err *mount_sys(int root_fd)
{
	static const struct mount_row host = {"/sys", "/sys", NULL, MS_BIND | MS_REC,
					      NULL};
	static const struct mount_row read_only = {
		"/sys", NULL, NULL,
		MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
		NULL};
	struct err *e = mount_at(root_fd, &host);

	if (e) {
		err_ignore(e, "builds rarely look at /sys");
		return NULL;
	}
	err_ignore(mount_at(root_fd, &read_only),
		   "what the host mounted may not be changed");
	return NULL;
}

/* ---- /dev ---- */

static struct err *bind_node(int root_fd, const char *path)
{
	CLEANUP(closep) int fd = -1;
	struct mount_row row = {path, path, NULL, MS_BIND, NULL};

	if (access(path, F_OK) != 0)
		return NULL;
	TRY(path_open(root_fd, path, O_WRONLY | O_CREAT | O_EXCL, 0666, &fd));
	return mount_at(root_fd, &row);
}

static struct err *make_links(int dev_fd)
{
	static const char *const links[][2] = {
		{"/proc/self/fd", "fd"},       {"/proc/self/fd/0", "stdin"},
		{"/proc/self/fd/1", "stdout"}, {"/proc/self/fd/2", "stderr"},
		{"pts/ptmx", "ptmx"},
	};

	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		if (symlinkat(links[i][0], dev_fd, links[i][1]) != 0)
			return err_sys("link '/dev/%s'", links[i][1]);
	return NULL;
}

static struct err *mount_pts(int root_fd)
{
	static const struct mount_row with_group = {
		"/dev/pts", "devpts", "devpts", MS_NOSUID | MS_NOEXEC,
		"newinstance,ptmxmode=0666,mode=0620,gid=5"};
	static const struct mount_row plain = {"/dev/pts", "devpts", "devpts",
					       MS_NOSUID | MS_NOEXEC,
					       "newinstance,ptmxmode=0666,mode=0620"};
	struct err *e = mount_at(root_fd, &with_group);

	if (!e || err_errno(e) != EINVAL)
		return e;
	err_ignore(e, "group 5 is not mapped here");
	return mount_at(root_fd, &plain);
}

static struct err *mount_dev(int root_fd)
{
	static const char *const nodes[] = {"/dev/null",   "/dev/zero",	   "/dev/full",
					    "/dev/random", "/dev/urandom", "/dev/tty"};
	static const char *const folders[] = {"pts", "shm", "mqueue"};
	static const struct mount_row tmpfs = {"/dev", "tmpfs", "tmpfs", MS_NOSUID,
					       "mode=755,size=4m"};
	static const struct mount_row shm = {"/dev/shm", "tmpfs", "tmpfs",
					     MS_NOSUID | MS_NODEV | MS_NOEXEC,
					     "mode=1777,size=64m"};
	static const struct mount_row mqueue = {"/dev/mqueue", "mqueue", "mqueue",
						MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL};
	CLEANUP(closep) int dev = -1;

	TRY(mount_at(root_fd, &tmpfs));
	TRY(path_open(root_fd, "/dev", O_RDONLY | O_DIRECTORY, 0, &dev));
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		if (mkdirat(dev, folders[i], 0755) != 0)
			return err_sys("make '/dev/%s'", folders[i]);
	for (size_t i = 0; i < ARRAY_LEN(nodes); i++)
		TRY(bind_node(root_fd, nodes[i]));
	TRY(make_links(dev));
	TRY(mount_pts(root_fd));
	TRY(mount_at(root_fd, &shm));
	err_ignore(mount_at(root_fd, &mqueue), "few programs need message queues");
	return NULL;
}

/* ---- the host's resolv.conf and hosts ---- */

/* A copy on the container's own /dev, with one line end more: package managers that
 * compare it with their own then see a changed file, and do not rename over the mount. */
static struct err *copy_host_file(int root_fd, const char *host, const char *copy)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(closep) int fd = -1;

	TRY(fs_read_file(AT_FDCWD, host, HOST_FILE_MAX, &text));
	buf_putc(&text, '\n');
	TRY(path_open(root_fd, copy, O_WRONLY | O_CREAT | O_EXCL, 0644, &fd));
	return fs_write_all(fd, text.data, text.len);
}

static struct err *open_target(int root_fd, const char *path, bool writable,
			       struct mount_stubs *stubs, int *fd)
{
	struct err *e = path_open(root_fd, path, O_PATH, 0, fd);

	if (!e || err_code(e) != ERR_NOTFOUND || !writable)
		return e;
	err_ignore(e, "a file to mount over is made");
	TRY(path_open(root_fd, path, O_WRONLY | O_CREAT, 0644, fd));
	stubs->paths[stubs->len++] = path;
	return NULL;
}

static struct err *bind_copy(int root_fd, const char *path, const char *copy,
			     bool writable, struct mount_stubs *stubs)
{
	CLEANUP(closep) int target = -1;
	CLEANUP(closep) int source = -1;
	char source_path[64], target_path[64];

	TRY(copy_host_file(root_fd, path, copy));
	TRY(path_open(root_fd, copy, O_PATH, 0, &source));
	TRY(open_target(root_fd, path, writable, stubs, &target));
	fd_path(source, source_path, sizeof(source_path));
	fd_path(target, target_path, sizeof(target_path));
	if (mount(source_path, target_path, NULL, MS_BIND, NULL) != 0)
		return err_sys("mount '%s'", path);
	return NULL;
}

static struct err *bind_host_file(int root_fd, const char *path, bool writable,
				  struct mount_stubs *stubs)
{
	CLEANUP(closep) int dev = -1;
	struct err *e;

	TRY(path_open(root_fd, "/dev", O_PATH | O_DIRECTORY, 0, &dev));
	e = bind_copy(root_fd, path, "/dev/.copy", writable, stubs);
	/* The mount keeps the file; its name is not needed. */
	unlinkat(dev, ".copy", 0);
	return e;
}

struct err *mounts_make(int root_fd, bool writable, struct mount_stubs *stubs)
{
	static const char *const host_files[] = {"/etc/resolv.conf", "/etc/hosts"};
	static const char *const folders[] = {"/proc", "/sys", "/dev"};

	for (size_t i = 0; writable && i < ARRAY_LEN(folders); i++)
		TRY(path_mkdirs(root_fd, folders[i], 0755));
	TRY(mount_proc(root_fd));
	TRY(mount_sys(root_fd));
	TRY(mount_dev(root_fd));
	for (size_t i = 0; i < ARRAY_LEN(host_files); i++) {
		struct err *e = bind_host_file(root_fd, host_files[i], writable, stubs);

		if (e && err_code(e) == ERR_NOTFOUND) {
			err_ignore(e, "without it names may not resolve");
			continue;
		}
		TRY(e);
	}
	return NULL;
}

static void remove_stub(int root_fd, const char *path)
{
	CLEANUP(closep) int dir = -1;
	const char *name;
	struct timespec times[2];
	struct stat st;
	struct err *e = path_open_parent(root_fd, path, &dir, &name);

	if (e || fstat(dir, &st) != 0) {
		err_ignore(e, "the script removed the folder");
		return;
	}
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	if (unlinkat(dir, name, 0) == 0)
		utimensat(dir, ".", times, 0);
}

void mounts_clear(int root_fd, const struct mount_stubs *stubs)
{
	for (size_t i = 0; i < stubs->len; i++) {
		char path[64];
		CLEANUP(closep) int fd = -1;
		struct err *e = path_open(root_fd, stubs->paths[i], O_PATH, 0, &fd);

		err_ignore(e, "it was removed by the script");
		if (fd >= 0) {
			fd_path(fd, path, sizeof(path));
			umount2(path, MNT_DETACH);
		}
		remove_stub(root_fd, stubs->paths[i]);
	}
}
