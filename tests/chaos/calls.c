/* SPDX-License-Identifier: MIT
 * calls.c - see calls.h.
 *
 * It injects only what a kernel could answer: a pipe has no full disk, and opening an
 * existing file needs no space.
 */
#include "calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
	SPACE = 1,   /* takes space on a disk: ENOSPC */
	DISK = 2,    /* uses a disk: EIO */
	OPENS = 4,   /* makes a descriptor: EMFILE */
	BY_FD = 8,   /* the first argument is a descriptor, which must be a file's */
	CREATES = 16 /* takes space only with O_CREAT or O_TMPFILE */
};

static const struct {
	uint64_t number;
	unsigned flags;
} table[] = {
	{SYS_read, DISK | BY_FD},
	{SYS_pread64, DISK | BY_FD},
	{SYS_readv, DISK | BY_FD},
	{SYS_preadv, DISK | BY_FD},
	{SYS_getdents64, DISK | BY_FD},
	{SYS_write, SPACE | DISK | BY_FD},
	{SYS_pwrite64, SPACE | DISK | BY_FD},
	{SYS_writev, SPACE | DISK | BY_FD},
	{SYS_pwritev, SPACE | DISK | BY_FD},
	{SYS_copy_file_range, SPACE | DISK | BY_FD},
	{SYS_sendfile, SPACE | DISK | BY_FD},
	{SYS_fallocate, SPACE | DISK | BY_FD},
	{SYS_ftruncate, SPACE | DISK | BY_FD},
	{SYS_fsync, SPACE | DISK | BY_FD},
	{SYS_fdatasync, SPACE | DISK | BY_FD},
	{SYS_syncfs, SPACE | DISK | BY_FD},
	{SYS_close, DISK | BY_FD},
	{SYS_open, SPACE | DISK | OPENS | CREATES},
	{SYS_openat, SPACE | DISK | OPENS | CREATES},
	{SYS_openat2, SPACE | DISK | OPENS | CREATES},
	{SYS_mkdir, SPACE | DISK},
	{SYS_mkdirat, SPACE | DISK},
	{SYS_mknodat, SPACE | DISK},
	{SYS_symlinkat, SPACE | DISK},
	{SYS_linkat, SPACE | DISK},
	{SYS_renameat, SPACE | DISK},
	{SYS_renameat2, SPACE | DISK},
	{SYS_fsetxattr, SPACE | DISK},
	{SYS_setxattr, SPACE | DISK},
	{SYS_lsetxattr, SPACE | DISK},
	{SYS_fremovexattr, SPACE | DISK},
	{SYS_fgetxattr, DISK},
	{SYS_lgetxattr, DISK},
	{SYS_flistxattr, DISK},
	{SYS_llistxattr, DISK},
	{SYS_newfstatat, DISK},
	{SYS_statx, DISK},
	{SYS_stat, DISK},
	{SYS_faccessat, DISK},
	{SYS_faccessat2, DISK},
	{SYS_access, DISK},
	{SYS_readlinkat, DISK},
	{SYS_readlink, DISK},
	{SYS_unlinkat, DISK},
	{SYS_fchmod, SPACE | DISK},
	{SYS_fchmodat, SPACE | DISK},
	{SYS_fchown, SPACE | DISK},
	{SYS_fchownat, SPACE | DISK},
	{SYS_utimensat, SPACE | DISK},
	{SYS_mount, DISK},
	{SYS_dup, OPENS},
	{SYS_pipe2, OPENS},
	{SYS_eventfd2, OPENS},
	{SYS_signalfd4, OPENS},
	{SYS_timerfd_create, OPENS},
	{SYS_epoll_create1, OPENS},
	{SYS_socket, OPENS},
	{SYS_socketpair, OPENS},
	{SYS_accept4, OPENS},
	{SYS_pidfd_open, OPENS},
	{SYS_memfd_create, OPENS},
};

/* A file or folder on a disk; not a pipe, a socket, a terminal, /proc. */
static bool is_on_disk(pid_t pid, uint64_t fd)
{
	char link[64], target[64];
	ssize_t n;

	/* Its output goes to the program that started it. */
	if (fd <= 2)
		return false;
	snprintf(link, sizeof(link), "/proc/%d/fd/%llu", (int)pid,
		 (unsigned long long)fd);
	n = readlink(link, target, sizeof(target) - 1);
	if (n <= 0)
		return false;
	target[n] = '\0';
	return target[0] == '/' && strncmp(target, "/proc/", 6) != 0 &&
	       strncmp(target, "/dev/", 5) != 0;
}

static uint64_t open_flags(pid_t pid, uint64_t number, const uint64_t args[6])
{
	struct open_how how = {0};
	struct iovec to = {&how, sizeof(how)};
	struct iovec from = {NULL, sizeof(how)};

	if (number == SYS_open)
		return args[1];
	if (number == SYS_openat)
		return args[2];
	memcpy(&from.iov_base, &args[2], sizeof(from.iov_base));
	return process_vm_readv(pid, &to, 1, &from, 1, 0) == sizeof(how) ? how.flags : 0;
}

static bool makes_file(pid_t pid, uint64_t number, const uint64_t args[6])
{
	uint64_t flags = open_flags(pid, number, args);

	return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
}

static unsigned class_of(int error)
{
	return error == ENOSPC ? SPACE : error == EIO ? DISK : OPENS;
}

bool calls_can_fail(pid_t pid, uint64_t number, const uint64_t args[6], int error)
{
	if (error == EMFILE && number == SYS_fcntl)
		return args[1] == F_DUPFD || args[1] == F_DUPFD_CLOEXEC;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].number != number)
			continue;
		if (!(table[i].flags & class_of(error)))
			return false;
		if ((table[i].flags & BY_FD) && !is_on_disk(pid, args[0]))
			return false;
		return error != ENOSPC || !(table[i].flags & CREATES) ||
		       makes_file(pid, number, args);
	}
	return false;
}
