/* SPDX-License-Identifier: MIT
 * container_child.c - `dagbuild internal-run`: the inside of a container.
 *
 * Three processes, one thread each:
 *
 *	outer	enters new namespaces, starts init, passes signals on, waits
 *	init	process 1 of the pid namespace: mounts, pivots, starts the script, reaps;
 *		when the script has ended, it ends everything else, cleans up, answers,
 *		exits
 *	script	the program
 *
 * If dagbuild dies, outer gets the death signal and kills init, which also sees the end
 * of the request pipe; when init dies the kernel ends all processes of its namespace.
 * Outer waits for that: as long as it lives, it holds what dagbuild gave it to hold.
 *
 * Init is process 1 of what the script sees, so it has nothing of the host's that could
 * be reached through /proc/1: its program is not a file (program.h), its environment is
 * empty, its descriptors are pipes and the container's own files, its session has no
 * terminal, and it is not dumpable (ptrace(2), "access mode checking").
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/path.h"
#include "engine/run/confine.h"
#include "engine/run/container.h"
#include "engine/run/fd_pass.h"
#include "engine/run/mounts.h"
#include "engine/run/run_spec.h"
#include "engine/run/script_child.h"
#include "engine/run/terminal.h"

/* The signals that are passed on to the program. */
static const int PASSED_SIGNALS[] = {SIGTERM, SIGINT, SIGHUP};

static const char SCRIPT_PATH[] = "/.post.script";

/* Tell the parent why there is no container, and end. */
static NORETURN void give_up(struct err *e)
{
	script_child_give_up(CONTAINER_STATUS_FD, e);
}

/* ---- what comes from the caller ---- */

/* The mask of modes holds for the files that init makes, too.  The flags of
 * personality(2) change addresses and the kernel's version as programs see them; its type
 * stays, since it is the `architecture` of the key.  What remains the caller's bounds a
 * script without being an input: limits, priority, processors. */
static void drop_habits(void)
{
	int own = personality(UINT32_MAX);

	umask(0022);
	if (own >= 0)
		personality((unsigned)own & PER_MASK);
}

/* ---- the script's process ---- */

static void set_limits(void)
{
	struct rlimit core = {0, 0}, files;

	setrlimit(RLIMIT_CORE, &core);
	/* Old programs close every possible descriptor, one by one. */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur > 65536) {
		files.rlim_cur = 65536;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

/* With the image's environment files: a shell sources them, then becomes the program. */
static const char **with_environment(const struct run_spec *spec)
{
	static const char source[] = "for file in /.singularity.d/env/*.sh; do "
				     "if [ -f \"$file\" ]; then . \"$file\"; fi; done; "
				     "unset file; exec \"$@\"";
	size_t n = 0;
	const char **argv;

	while (spec->argv[n])
		n++;
	argv = xcalloc(n + 5, sizeof(*argv));
	argv[0] = "/bin/sh";
	argv[1] = "-c";
	argv[2] = source;
	argv[3] = "sh";
	memcpy(argv + 4, spec->argv, n * sizeof(*argv));
	return argv;
}

/* In a session of its own the script cannot reach the caller's terminal; tty_ioctl(2). */
static void join_session(const struct run_spec *spec, int tty_fd)
{
	struct err *e;

	setsid();
	if (tty_fd < 0)
		return;
	e = terminal_take(tty_fd, spec->taken);
	if (e)
		give_up(e);
}

static NORETURN void run_script(const struct run_spec *spec, int tty_fd)
{
	const char **argv =
		spec->source_environment ? with_environment(spec) : spec->argv;
	struct err *e;

	join_session(spec, tty_fd);
	set_limits();
	close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	e = confine(spec->security);
	if (e)
		give_up(e);
	/* Last: setgroups(3) and similar calls use one of glibc's own two signals. */
	script_child_reset_signals();
	execve(argv[0], (char *const *)argv, (char *const *)spec->envp);
	if (errno == ENOENT)
		give_up(err_new(ERR_STEP, "the image has no '%s'", argv[0]));
	give_up(err_sys("start '%s'", argv[0]));
}

/* ---- init ---- */

static struct err *make_temporary_folders(int root_fd)
{
	static const char *const names[] = {"/tmp", "/var/tmp"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		CLEANUP(closep) int fd = -1;
		struct err *e =
			path_open(root_fd, names[i], O_PATH | O_DIRECTORY, 0, &fd);

		if (!e)
			continue;
		err_ignore(e, "it is made");
		TRY(path_mkdirs(root_fd, names[i], 0755));
		TRY(path_open(root_fd, names[i], O_RDONLY | O_DIRECTORY, 0, &fd));
		if (fchmod(fd, 01777) != 0)
			return err_sys("mode of '%s'", names[i]);
	}
	return NULL;
}

static struct err *write_script(int root_fd, const char *text)
{
	CLEANUP(closep) int fd = -1;
	struct err *e = path_open(root_fd, SCRIPT_PATH,
				  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0755, &fd);

	if (e && err_code(e) == ERR_EXISTS)
		return err_recode(err_wrap(e, "an earlier step made the file that the "
					      "script needs"),
				  ERR_STEP);
	TRY(e);
	TRY(fs_write_all(fd, text, strlen(text)));
	return fchmod(fd, 0755) == 0 ? NULL : err_sys("mode of '%s'", SCRIPT_PATH);
}

/* pivot_root(2), "pivot_root(".", ".")": the old root ends up on top of the new one, and
 * is unmounted. */
static struct err *pivot(int root_fd)
{
	if (fchdir(root_fd) != 0)
		return err_sys("enter the root");
	if (syscall(SYS_pivot_root, ".", ".") != 0)
		return err_hint(err_sys("pivot_root"),
				"the root of this process must be a mount "
				"point: a plain chroot is not enough");
	if (umount2(".", MNT_DETACH) != 0 || chdir("/") != 0)
		return err_sys("leave the host's root");
	return NULL;
}

static struct err *set_up(const struct run_spec *spec, int *root_fd,
			  struct mount_stubs *stubs)
{
	bool writable = spec->root.upper != NULL;
	const struct mount_plan plan = {
		.writable = writable,
		.hostname = spec->hostname,
		.security = spec->security,
	};

	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0)
		return err_sys("make mounts private");
	TRY(overlay_mount(&spec->root));
	TRY(fs_open(AT_FDCWD, spec->root.mount_point, O_RDONLY | O_DIRECTORY, 0,
		    root_fd));
	if (writable)
		TRY(make_temporary_folders(*root_fd));
	TRY(mounts_make(*root_fd, &plan, stubs));
	if (spec->script)
		TRY(write_script(*root_fd, spec->script));
	TRY(pivot(*root_fd));
	if (sethostname(spec->hostname, strlen(spec->hostname)) != 0)
		return err_sys("host name");
	return NULL;
}

/* A descriptor of the host's /dev/null leads to its inode, whose mode could be
 * changed. */
static struct err *renew_null(void)
{
	struct stat st;

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		CLEANUP(closep) int own = -1;

		if (fstat(fd, &st) != 0 || !S_ISCHR(st.st_mode) ||
		    st.st_rdev != makedev(1, 3))
			continue;
		TRY(fs_open(AT_FDCWD, "/dev/null", O_RDWR, 0, &own));
		if (dup2(own, fd) < 0)
			return err_sys("dup");
	}
	return NULL;
}

/* The script has its own by now. */
static void drop_standard_descriptors(void)
{
	CLEANUP(closep) int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		dup2(null_fd, fd);
}

/* What we hold must stay held until we end, but /proc/1/fd would open it to the script.
 * So it lies in a message that is never received: it is released with the socket, which
 * has no other end. */
static struct err *hide_what_is_held(void)
{
	CLEANUP(closep) int one = -1;
	int other;

	TRY(fd_pass_pair(&one, &other));
	TRY(fd_pass_send(one, CONTAINER_HOLD_FD));
	close(CONTAINER_HOLD_FD);
	return NULL;
}

/* Reap until the script has ended; its status is given as a shell would. */
static int wait_for_script(pid_t script, int signal_fd)
{
	struct pollfd fds[] = {
		{.fd = signal_fd, .events = POLLIN},
		{.fd = CONTAINER_REQUEST_FD, .events = POLLIN},
	};
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	for (;;) {
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			if (pid == script)
				return script_child_status(status);
		if (poll(fds, ARRAY_LEN(fds), -1) < 0)
			continue;
		/* Nothing comes after the request: this is its end, so dagbuild is gone.
		 */
		if (fds[1].revents)
			_exit(125);
		if (read(signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info) &&
		    info.ssi_signo != SIGCHLD)
			kill(-1, (int)info.ssi_signo);
	}
}

/* When init answers, nothing may change the root any more. */
static void end_everything(void)
{
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (size_t i = 0; i < ARRAY_LEN(PASSED_SIGNALS); i++)
		sigaddset(&set, PASSED_SIGNALS[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static struct err *get_ready(const struct run_spec *spec, int *root_fd, int *tty_fd,
			     struct mount_stubs *stubs)
{
	if (spec->holds)
		TRY(hide_what_is_held());
	TRY(set_up(spec, root_fd, stubs));
	TRY(renew_null());
	if (!spec->tty)
		return NULL;
	TRY(terminal_offer(CONTAINER_CONSOLE_FD, tty_fd));
	close(CONTAINER_CONSOLE_FD);
	return NULL;
}

static NORETURN void init_main(const struct run_spec *spec)
{
	struct mount_stubs stubs = {0};
	int root_fd = -1, tty_fd = -1, status, signal_fd;
	struct err *e;
	pid_t script;

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	setsid();
	signal_fd = open_signals();
	e = signal_fd < 0 ? err_sys("signalfd")
			  : get_ready(spec, &root_fd, &tty_fd, &stubs);
	if (e)
		give_up(e);
	script = fork();
	if (script < 0)
		give_up(err_sys("fork"));
	if (script == 0)
		run_script(spec, tty_fd);
	drop_standard_descriptors();
	status = wait_for_script(script, signal_fd);
	end_everything();
	if (spec->script)
		unlinkat(root_fd, SCRIPT_PATH + 1, 0);
	mounts_clear(root_fd, &stubs);
	script_child_answer(CONTAINER_STATUS_FD, status);
}

/* ---- outer ---- */

static volatile sig_atomic_t init_pid;

static void on_signal(int number)
{
	if (init_pid > 0)
		kill(init_pid, number);
}

/* dagbuild is gone.  We stay until nothing of the container is alive. */
static void on_orphaned(int number)
{
	(void)number;
	kill(init_pid, SIGKILL);
}

static struct err *start_init(const struct run_spec *spec)
{
	const struct sigaction action = {.sa_handler = on_signal};
	const struct sigaction orphaned = {.sa_handler = on_orphaned};
	pid_t pid;

	if (unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS) != 0)
		return err_hint(err_sys("namespaces cannot be made"),
				"dagbuild needs CAP_SYS_ADMIN, of its own user namespace "
				"at least");
	pid = fork();
	if (pid < 0)
		return err_sys("fork");
	if (pid == 0)
		init_main(spec);
	init_pid = pid;
	for (size_t i = 0; i < ARRAY_LEN(PASSED_SIGNALS); i++)
		sigaction(PASSED_SIGNALS[i], &action, NULL);
	sigaction(SIGUSR1, &orphaned, NULL);
	return NULL;
}

/* Only the dynamic loader needed it; /proc/1/environ shows the memory it was in. */
static void wipe_environment(void)
{
	for (char **word = environ; *word; word++)
		memset(*word, 0, strlen(*word));
	*environ = NULL;
}

int container_main(int argc, char **argv)
{
	CLEANUP(run_spec_release) struct run_spec spec = {0};
	struct err *e;
	int status = 0;

	(void)argc;
	(void)argv;
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	prctl(PR_SET_NAME, "dagbuild", 0, 0, 0);
	wipe_environment();
	drop_habits();
	close(CONTAINER_PROGRAM_FD);
	/* Not SIGKILL: see on_orphaned().  Before there is an init it ends us. */
	prctl(PR_SET_PDEATHSIG, SIGUSR1, 0, 0, 0);
	e = run_spec_read(CONTAINER_REQUEST_FD, &spec);
	if (!e)
		e = start_init(&spec);
	if (e)
		give_up(e);
	while (waitpid(init_pid, &status, 0) < 0 && errno == EINTR)
		;
	/* Run no exit handlers: threads or processes that they start would be in the dead
	 * namespace. */
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 125);
}
