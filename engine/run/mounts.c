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
#include "base/path.h"
#include "engine/run/masks.h"
#include "engine/run/mount_at.h"

/* Lists of blocked hosts have some 200,000 lines. */
static const size_t HOST_FILE_MAX = (size_t)16 << 20;

static struct err *mount_proc(int root_fd)
{
	static const struct mount_row own = {"/proc", "proc", "proc",
					     MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL};
	static const struct mount_row host = {"/proc", "/proc", NULL, MS_BIND | MS_REC,
					      NULL};
	struct err *e = mount_at(root_fd, &own);

	if (!e || err_errno(e) != EPERM)
		return e;
	/* Within another container whose /proc is masked, the kernel does not permit a
	 * new one.
	 */
	err_ignore(e, "the host's is bound instead");
	return mount_at(root_fd, &host);
}

static const unsigned long SYS_FLAGS = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;

/* With all that is mounted below it: cgroups have files that name programs of the
 * host. */
static struct err *restrict_sys(int root_fd, enum security security)
{
	if (security == SECURITY_CONTAINER)
		return mount_restrict_all(root_fd, "/sys");
	err_ignore(mount_restrict(root_fd, "/sys", SYS_FLAGS),
		   "what the host mounted may not be changed");
	return NULL;
}

/* A single bind of /sys is refused in a user namespace: what a more privileged one has
 * mounted is locked together (mount_namespaces(7)). */
static struct err *mount_sys(int root_fd, enum security security)
{
	static const struct mount_row host = {"/sys", "/sys", NULL, MS_BIND | MS_REC,
					      NULL};
	CLEANUP(closep) int fd = -1;
	struct err *e = mount_at(root_fd, &host);

	if (e) {
		err_ignore(e, "builds rarely look at /sys");
		return NULL;
	}
	e = restrict_sys(root_fd, security);
	if (!e)
		return NULL;
	err_ignore(e, "before Linux 5.12 there is none, then");
	TRY(path_open(root_fd, "/sys", O_PATH, 0, &fd));
	mount_detach(fd);
	return NULL;
}

/* ---- /dev ---- */

/* Read-only: the device can be written, but its mode is the host's. */
static struct err *bind_node(int root_fd, const char *path)
{
	CLEANUP(closep) int fd = -1;
	struct mount_row row = {path, path, NULL, MS_BIND, NULL};

	if (access(path, F_OK) != 0)
		return NULL;
	TRY(path_open(root_fd, path, O_WRONLY | O_CREAT | O_EXCL, 0666, &fd));
	TRY(mount_at(root_fd, &row));
	return mount_restrict(root_fd, path, MS_RDONLY | MS_NOSUID | MS_NOEXEC);
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
	static const struct mount_row tmpfs = {"/dev", "tmpfs", "tmpfs",
					       MS_NOSUID | MS_NODEV, "mode=755,size=36m"};
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

/* What a copy has in addition to the host's file: at least another line end.  Package
 * managers that compare it with their own then see a changed file, and do not rename over
 * the mount. */
static void add_own(const char *path, const char *hostname, struct buf *text)
{
	buf_putc(text, '\n');
	/* As Debian names a host without an address of its own: hosts(5). */
	if (strcmp(path, "/etc/hosts") == 0)
		buf_printf(text, "127.0.1.1\t%s\n", hostname);
}

static struct err *read_host_file(const char *path, struct buf *text)
{
	struct err *e = fs_read_file(AT_FDCWD, path, HOST_FILE_MAX, text);

	if (!e || err_code(e) != ERR_NOTFOUND)
		return e;
	err_ignore(e, "the same as an empty one");
	return NULL;
}

/* A file on the container's own /dev, which exists until it is mounted. */
static const char COPY[] = "/dev/.copy";

static struct err *copy_host_file(int root_fd, const char *path, const char *hostname,
				  int *out)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(closep) int fd = -1;

	TRY(read_host_file(path, &text));
	add_own(path, hostname, &text);
	TRY(path_open(root_fd, COPY, O_WRONLY | O_CREAT | O_EXCL, 0644, &fd));
	TRY(fs_write_all(fd, text.data, text.len));
	return path_open(root_fd, COPY, O_PATH, 0, out);
}

/* The mount keeps the file; its name is not needed. */
static struct err *remove_copy(int root_fd)
{
	CLEANUP(closep) int dir = -1;
	const char *name;

	TRY(path_open_parent(root_fd, COPY, &dir, &name));
	return unlinkat(dir, name, 0) == 0 ? NULL : err_sys("remove '%s'", COPY);
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

static struct err *check_target(int fd, const char *path)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_sys("'%s'", path);
	return S_ISREG(st.st_mode) ? NULL
				   : err_new(ERR_SYS, "%s is not a regular file", path);
}

/* An image that cannot have such a file gets none: the script may still make one. */
static struct err *bind_host_file(int root_fd, const char *path,
				  const struct mount_plan *plan,
				  struct mount_stubs *stubs)
{
	CLEANUP(closep) int source = -1;
	CLEANUP(closep) int target = -1;
	struct err *e = open_target(root_fd, path, plan->writable, stubs, &target);

	if (!e)
		e = check_target(target, path);
	if (e && err_code(e) != ERR_NOTFOUND)
		dprintf(STDERR_FILENO,
			"dagbuild: in the image, %s: the script runs without the host's "
			"file\n",
			err_text(e));
	if (e) {
		err_ignore(e, "names may not resolve");
		return NULL;
	}
	TRY(copy_host_file(root_fd, path, plan->hostname, &source));
	TRY(mount_bind(source, target, path));
	return remove_copy(root_fd);
}

struct err *mounts_make(int root_fd, const struct mount_plan *plan,
			struct mount_stubs *stubs)
{
	static const char *const host_files[] = {"/etc/resolv.conf", "/etc/hosts"};
	static const char *const folders[] = {"/proc", "/sys", "/dev"};

	for (size_t i = 0; plan->writable && i < ARRAY_LEN(folders); i++)
		TRY(path_mkdirs(root_fd, folders[i], 0755));
	TRY(mount_proc(root_fd));
	TRY(mount_sys(root_fd, plan->security));
	TRY(mount_dev(root_fd));
	if (plan->security == SECURITY_CONTAINER) {
		/* The image, or a script that makes nodes, may have those of the host's
		 * disks. */
		TRY(mount_restrict(root_fd, "/", MS_NODEV));
		TRY(masks_make(root_fd));
	}
	for (size_t i = 0; i < ARRAY_LEN(host_files); i++)
		TRY(bind_host_file(root_fd, host_files[i], plan, stubs));
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
		CLEANUP(closep) int fd = -1;
		struct err *e = path_open(root_fd, stubs->paths[i], O_PATH, 0, &fd);

		err_ignore(e, "it was removed by the script");
		if (fd >= 0)
			mount_detach(fd);
		remove_stub(root_fd, stubs->paths[i]);
	}
}
