/* SPDX-License-Identifier: MIT
 * host_script_child.c - `dagbuild internal-host`: the process around a script on the
 * host.
 *
 * It is the subreaper of what the script starts (prctl(2), PR_SET_CHILD_SUBREAPER):
 * whoever loses its parent becomes our child, and is found when the script has ended.
 * There is no pid namespace, since the script is to see the host as it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/dir.h"
#include "base/fs.h"
#include "base/str.h"
#include "engine/run/host_script.h"
#include "engine/run/script_child.h"

enum { LIFE_FD = 3, STATUS_FD = 4 };

static NORETURN void run_script(char **argv, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent)
		_exit(125);
	/* Apptainer's, for everything that runs in a build. */
	umask(0002);
	close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	script_child_reset_signals();
	execv(argv[0], argv);
	script_child_give_up(STATUS_FD, err_sys("start '%s'", argv[0]));
}

/* ---- what the script leaves ---- */

/* "PID (NAME) STATE PARENT ...", where the name may hold anything (proc(5)). */
static pid_t parent_of(int proc_fd, const char *pid)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	char path[64];
	const char *after;
	struct err *e;

	snprintf(path, sizeof(path), "%.32s/stat", pid);
	e = fs_read_file(proc_fd, path, KIB(4), &text);
	err_ignore(e, "it has ended meanwhile");
	after = e ? NULL : strrchr(buf_text(&text), ')');
	return after && strlen(after) > 4 ? (pid_t)strtol(after + 4, NULL, 10) : 0;
}

static void kill_children(int proc_fd)
{
	CLEANUP(dir_closep) DIR *proc = dir_open(proc_fd, ".", 0);
	const char *name;

	while (proc && (name = dir_next_always(proc)))
		if (name[0] >= '1' && name[0] <= '9' &&
		    parent_of(dirfd(proc), name) == getpid())
			kill((pid_t)strtol(name, NULL, 10), SIGKILL);
}

/* Until we have no child: those of a child that ends become ours. */
static void end_everything(int proc_fd)
{
	while (waitpid(-1, NULL, WNOHANG) >= 0) {
		kill_children(proc_fd);
		waitpid(-1, NULL, 0);
	}
}

/* ---- while it runs ---- */

/* Reap until the script has ended; its status is given as a shell would. */
static int wait_for_script(pid_t script, int signal_fd)
{
	struct pollfd fds[] = {
		{.fd = signal_fd, .events = POLLIN},
		{.fd = LIFE_FD, .events = POLLIN},
	};
	struct signalfd_siginfo info;
	int raw;
	pid_t pid;

	for (;;) {
		while ((pid = waitpid(-1, &raw, WNOHANG)) > 0)
			if (pid == script)
				return script_child_status(raw);
		if (poll(fds, ARRAY_LEN(fds), -1) < 0)
			continue;
		/* Nothing is ever written to it: dagbuild is gone, or insists. */
		if (fds[1].revents)
			return 128 + SIGKILL;
		/* All of the group get it, as from a terminal; so do we, again. */
		if (read(signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info) &&
		    info.ssi_signo != SIGCHLD && info.ssi_pid != (uint32_t)getpid())
			kill(0, (int)info.ssi_signo);
	}
}

static int open_signals(void)
{
	static const int numbers[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		sigaddset(&set, numbers[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* What the script mounts is seen by nobody else, and ends with it. */
static struct err *leave_mounts(void)
{
	if (unshare(CLONE_NEWNS) != 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0)
		return err_sys("a mount namespace cannot be made");
	return NULL;
}

int host_script_main(int argc, char **argv)
{
	/* The script may mount something over /proc. */
	int proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int signal_fd = open_signals(), status;
	pid_t self = getpid(), script;
	struct err *e;

	if (argc < 3)
		return 125;
	if (signal_fd < 0 || proc_fd < 0)
		script_child_give_up(STATUS_FD,
				     err_sys(proc_fd < 0 ? "/proc" : "signalfd"));
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	e = leave_mounts();
	if (e)
		script_child_give_up(STATUS_FD, e);
	script = fork();
	if (script < 0)
		script_child_give_up(STATUS_FD, err_sys("fork"));
	if (script == 0)
		run_script(argv + 2, self);
	status = wait_for_script(script, signal_fd);
	end_everything(proc_fd);
	script_child_answer(STATUS_FD, status);
}
