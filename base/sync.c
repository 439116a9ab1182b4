/* SPDX-License-Identifier: MIT
 * sync.c - see sync.h.
 */
#include "base/sync.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/interrupt.h"

/* Anything smaller is on disk within a second. */
static const off_t SMALL = 32 << 20;
static const int LOOK_MS = 100;

/* errno, or 0. */
static int sync_now(int fd, bool all)
{
	return (all ? syncfs(fd) : fsync(fd)) == 0 ? 0 : errno;
}

/* Do only what signal-safety(7) allows: the process may have threads.  Signals stay
 * blocked, since handling them is up to our parent; pipes and locks must not live on in
 * us. */
static _Noreturn void child(int fd, bool all)
{
	if (fd > 0)
		(void)close_range(0, (unsigned)fd - 1, 0);
	(void)close_range((unsigned)fd + 1, ~0U, 0);
	_exit(sync_now(fd, all));
}

static pid_t start(int fd, bool all)
{
	sigset_t every, before;
	pid_t pid;

	sigfillset(&every);
	pthread_sigmask(SIG_SETMASK, &every, &before);
	pid = fork();
	if (pid == 0)
		child(fd, all);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return pid;
}

/* Wait until the child ends, or we must end: then it is left to itself. */
static struct err *wait_for(pid_t pid, int pid_fd, int *error)
{
	struct pollfd fds = {.fd = pid_fd, .events = POLLIN};
	int status = 0;

	while (poll(&fds, 1, LOOK_MS) <= 0)
		TRY(interrupt_check());
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys("waitpid");
	*error = WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
	return NULL;
}

static struct err *in_child(int fd, bool all, int *error)
{
	CLEANUP(closep) int pid_fd = -1;
	pid_t pid = start(fd, all);

	if (pid > 0)
		pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pid_fd >= 0)
		return wait_for(pid, pid_fd, error);
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
	*error = sync_now(fd, all); /* no child process: wait ourselves, however long */
	return NULL;
}

static struct err *result(int error)
{
	if (error == 0)
		return NULL;
	errno = error;
	return err_sys("sync");
}

struct err *sync_file(int fd)
{
	struct stat st;
	int error = 0;

	if (fstat(fd, &st) == 0 && st.st_size < SMALL)
		return result(sync_now(fd, false));
	TRY(in_child(fd, false, &error));
	return result(error);
}

struct err *sync_filesystem(int fd)
{
	int error = 0;

	TRY(in_child(fd, true, &error));
	return result(error);
}
