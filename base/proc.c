/* SPDX-License-Identifier: MIT
 * proc.c - see proc.h.
 */
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/vec.h"

const char *proc_self(void)
{
	return "/proc/self/exe";
}

void proc_self_env(const char *env[2])
{
	static const char name[] = "LD_LIBRARY_PATH=";
	char **word = environ;

	while (*word && strncmp(*word, name, strlen(name)) != 0)
		word++;
	env[0] = *word;
	env[1] = NULL;
}

struct err *proc_pipe(int *read_end, int *write_end)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) != 0)
		return err_sys("pipe");
	*read_end = fds[0];
	*write_end = fds[1];
	return NULL;
}

/*
 * Lay the wanted descriptors out as 0, 1, 2, 3 ... in the child.  dup2() onto a number
 * that is also a source would lose it, so sources are first copied above all targets. The
 * copies are made here and close on exec; only the targets survive.
 */
static struct err *plan_fds(posix_spawn_file_actions_t *actions,
			    const struct proc_spec *spec, int *copies)
{
	int floor = (int)(spec->n_pass_fds + 3);
	int wanted[3] = {spec->stdin_fd, spec->stdout_fd, spec->stderr_fd};
	int last = floor - 1;

	for (int i = 0; i < floor; i++) {
		int from = i < 3 ? wanted[i] : spec->pass_fds[i - 3];

		copies[i] = from < 0 ? -1 : fcntl(from, F_DUPFD_CLOEXEC, floor);
		if (from >= 0 && copies[i] < 0)
			return err_sys("dup");
		if (copies[i] >= 0)
			posix_spawn_file_actions_adddup2(actions, copies[i], i);
		else if (i == 0)
			posix_spawn_file_actions_addopen(actions, 0, "/dev/null",
							 O_RDONLY, 0);
		else if (i > 2)
			posix_spawn_file_actions_addclose(actions, i);
	}
	posix_spawn_file_actions_addclosefrom_np(actions, last + 1);
	return NULL;
}

static int spawn(struct proc *p, const struct proc_spec *spec,
		 const posix_spawn_file_actions_t *actions)
{
	posix_spawnattr_t attr;
	sigset_t all, none;
	int error;

	sigfillset(&all);
	sigemptyset(&none);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr,
				 (short)(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
					 (spec->own_group ? POSIX_SPAWN_SETPGROUP : 0) |
					 (spec->own_session ? POSIX_SPAWN_SETSID : 0)));
	error = (strchr(spec->path, '/') ? posix_spawn : posix_spawnp)(
		&p->pid, spec->path, actions, &attr, (char *const *)spec->argv,
		spec->envp ? (char *const *)spec->envp : environ);
	posix_spawnattr_destroy(&attr);
	return error;
}

struct err *proc_start(struct proc *p, const struct proc_spec *spec)
{
	CLEANUP(freep) int *copies = xcalloc(spec->n_pass_fds + 3, sizeof(*copies));
	posix_spawn_file_actions_t actions;
	struct err *e;
	int error = 0;

	for (size_t i = 0; i < spec->n_pass_fds + 3; i++)
		copies[i] = -1;
	posix_spawn_file_actions_init(&actions);
	e = plan_fds(&actions, spec, copies);
	if (!e)
		error = spawn(p, spec, &actions);
	posix_spawn_file_actions_destroy(&actions);
	for (size_t i = 0; i < spec->n_pass_fds + 3; i++)
		closep(&copies[i]);
	if (e)
		return e;
	if (error) {
		p->pid = 0;
		errno = error;
		return err_sys("start '%s'", spec->path);
	}
	/* No race: nothing reaps the child before we do. */
	p->pid_fd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	if (p->pid_fd < 0) {
		e = err_sys("pidfd_open");
		proc_release(p);
		return e;
	}
	return NULL;
}

struct err *proc_wait(struct proc *p, int *status)
{
	int raw = 0;

	while (waitpid(p->pid, &raw, 0) < 0)
		if (errno != EINTR)
			return err_sys("waitpid");
	*status = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
	closep(&p->pid_fd);
	p->pid = 0;
	p->pid_fd = -1;
	return NULL;
}

void proc_kill(struct proc *p, int signal_number)
{
	if (p->pid > 0)
		kill(p->pid, signal_number);
}

void proc_release(struct proc *p)
{
	int status;

	if (p->pid <= 0)
		return;
	proc_kill(p, SIGKILL);
	err_ignore(proc_wait(p, &status), "a killed child is reaped");
}

/* "max 100000" or "50000 100000": quota and period, in microseconds, of our own cgroup
 * (v2). */
static unsigned cgroup_cpus(void)
{
	CLEANUP(buf_release) struct buf self = BUF_INIT, limit = BUF_INIT;
	CLEANUP(freep) char *path = NULL;
	uint64_t quota, period;
	struct str text, line, head, tail;
	struct err *e = fs_read_file(AT_FDCWD, "/proc/self/cgroup", KIB(64), &self);

	text = str_make(buf_text(&self), self.len);
	str_cut(text, '\n', &line, &tail);
	if (!e && str_starts_with(line, "0::")) {
		path = xasprintf("/sys/fs/cgroup%.*s/cpu.max", (int)line.len - 3,
				 line.data + 3);
		e = fs_read_file(AT_FDCWD, path, KIB(1), &limit);
	}
	err_ignore(e, "no cgroup, no quota");
	str_cut(str_trim(str_of(buf_text(&limit))), ' ', &head, &tail);
	if (!str_to_u64(head, &quota) || !str_to_u64(tail, &period) || period == 0)
		return UINT32_MAX;
	return (unsigned)((quota + period - 1) / period);
}

unsigned proc_cpus(void)
{
	cpu_set_t set;
	unsigned quota = cgroup_cpus(), n = 1;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = (unsigned)CPU_COUNT(&set);
	n = n < quota ? n : quota;
	return n > 0 ? n : 1;
}
