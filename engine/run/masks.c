/* SPDX-License-Identifier: MIT
 * masks.c - see masks.h.
 *
 * The paths are those of podman and buildah (containers/common, pkg/config) and of
 * docker; and the file systems that the host has mounted below /sys for itself.
 */
#include "engine/run/masks.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/path.h"
#include "engine/run/mount_at.h"

static const char *const masked[] = {
	"/proc/acpi",		"/proc/asound",	       "/proc/interrupts",
	"/proc/kcore",		"/proc/keys",	       "/proc/latency_stats",
	"/proc/sched_debug",	"/proc/scsi",	       "/proc/timer_list",
	"/proc/timer_stats",	"/sys/dev/block",      "/sys/devices/virtual/powercap",
	"/sys/firmware",	"/sys/fs/bpf",	       "/sys/fs/pstore",
	"/sys/fs/selinux",	"/sys/kernel/config",  "/sys/kernel/debug",
	"/sys/kernel/security", "/sys/kernel/tracing",
};

static const char *const read_only[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

/* `*fd` stays -1 for what is not there: the kernel, or an image's root without /sys, has
 * none. */
static struct err *open_target(int root_fd, const char *path, int *fd)
{
	struct err *e = path_open(root_fd, path, O_PATH | O_NOFOLLOW, 0, fd);

	if (!e || err_code(e) != ERR_NOTFOUND)
		return e;
	err_ignore(e, "there is nothing to hide");
	return NULL;
}

/* An empty folder, or /dev/null. */
static struct err *mask(int root_fd, const char *path)
{
	const struct mount_row empty = {path, "tmpfs", "tmpfs",
					MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
					"mode=0555,size=4k"};
	CLEANUP(closep) int target = -1;
	CLEANUP(closep) int null_fd = -1;
	struct stat st;

	TRY(open_target(root_fd, path, &target));
	if (target < 0)
		return NULL;
	if (fstat(target, &st) != 0)
		return err_sys("'%s'", path);
	if (S_ISDIR(st.st_mode))
		return mount_at(root_fd, &empty);
	TRY(path_open(root_fd, "/dev/null", O_PATH, 0, &null_fd));
	return mount_bind(null_fd, target, path);
}

static struct err *forbid_writing(int root_fd, const char *path)
{
	CLEANUP(closep) int target = -1;

	TRY(open_target(root_fd, path, &target));
	if (target < 0)
		return NULL;
	TRY(mount_bind(target, target, path));
	return mount_restrict(root_fd, path, MS_RDONLY);
}

struct err *masks_make(int root_fd)
{
	for (size_t i = 0; i < ARRAY_LEN(masked); i++)
		TRY(mask(root_fd, masked[i]));
	for (size_t i = 0; i < ARRAY_LEN(read_only); i++)
		TRY(forbid_writing(root_fd, read_only[i]));
	return NULL;
}
