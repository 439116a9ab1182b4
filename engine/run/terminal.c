/* SPDX-License-Identifier: MIT
 * terminal.c - see terminal.h.
 *
 * When the user's terminal goes away, or we are asked to end, we close our end of the new
 * one: the kernel then sends SIGHUP to the program, as when a window is closed.  init
 * keeps the other end open, so that reading ours says "nothing more" only when everything
 * is over.
 */
#include "engine/run/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "engine/run/fd_pass.h"

/* After this time a program that was asked to end is killed. */
static const uint64_t GRACE_NS = UINT64_C(10) * 1000000000;

/* ---- what takes the place of the caller's descriptors ---- */

static struct err *open_null(int *out)
{
	return *out >= 0 ? NULL : fs_open(AT_FDCWD, "/dev/null", O_RDWR, 0, out);
}

static struct err *open_pipe(struct terminal_ends *ends, int number)
{
	if (number == STDIN_FILENO)
		return proc_pipe(&ends->child[0], &ends->ours[0]);
	return proc_pipe(&ends->ours[number], &ends->child[number]);
}

static bool are_one(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_rdev == y.st_rdev;
}

/* Both outputs on one terminal share a pipe: what is written first is shown first. */
static struct err *share_pipe(struct terminal_ends *ends, bool *shared)
{
	*shared = ends->ours[STDOUT_FILENO] >= 0 && are_one(STDOUT_FILENO, STDERR_FILENO);
	if (!*shared)
		return NULL;
	ends->child[STDERR_FILENO] =
		fcntl(ends->child[STDOUT_FILENO], F_DUPFD_CLOEXEC, 0);
	return ends->child[STDERR_FILENO] >= 0 ? NULL : err_sys("dup");
}

struct err *terminal_ends_open(struct terminal_ends *ends, bool tty)
{
	if (tty)
		TRY(fd_pass_pair(&ends->console, &ends->child_console));
	for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++) {
		bool shared = false;

		if (!isatty(i)) {
			ends->child[i] = i;
			continue;
		}
		if (tty) {
			ends->taken |= 1U << i;
			TRY(open_null(&ends->child[i]));
			continue;
		}
		if (i == STDERR_FILENO)
			TRY(share_pipe(ends, &shared));
		if (!shared)
			TRY(open_pipe(ends, i));
	}
	return NULL;
}

void terminal_ends_give(struct terminal_ends *ends)
{
	for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++) {
		if (ends->child[i] > STDERR_FILENO)
			closep(&ends->child[i]);
		ends->child[i] = -1;
	}
	closep(&ends->child_console);
	ends->child_console = -1;
}

void terminal_ends_release(struct terminal_ends *ends)
{
	terminal_ends_give(ends);
	for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++)
		closep(&ends->ours[i]);
	closep(&ends->console);
}

/* ---- inside ---- */

struct err *terminal_offer(int console_fd, int *tty_fd)
{
	CLEANUP(closep) int other = -1;
	CLEANUP(closep) int tty = -1;
	int locked = 0;
	char ready;

	TRY(fs_open(AT_FDCWD, "/dev/pts/ptmx", O_RDWR | O_NOCTTY, 0, &other));
	if (ioctl(other, TIOCSPTLCK, &locked) != 0)
		return err_sys("unlock the terminal");
	/* ioctl_tty(2): not by its name, which could be another terminal's. */
	tty = ioctl(other, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (tty < 0)
		return err_sys("open the terminal");
	TRY(fd_pass_send(console_fd, other));
	if (read(console_fd, &ready, 1) != 1)
		return err_new(ERR_SYS, "nobody is at the other end of the terminal");
	*tty_fd = steal_fd(&tty);
	return NULL;
}

struct err *terminal_take(int tty_fd, unsigned taken)
{
	if (ioctl(tty_fd, TIOCSCTTY, 0) != 0)
		return err_sys("take the terminal");
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if ((taken >> fd & 1U) != 0 && dup2(tty_fd, fd) < 0)
			return err_sys("dup");
	return NULL;
}

/* ---- outside ---- */

/* What the program writes, and where it is shown. */
struct output {
	int from; /* -1: nothing, or no more */
	int to;
};

struct attached {
	struct proc *proc;
	int signal_fd;
	int console_fd; /* borrowed; -1 once the terminal has come, or failed to */
	/* Where typed input goes: the terminal (the same as outputs[0].from), or a pipe.
	 * -1: none, or no more. */
	int input_fd;
	bool has_terminal;
	struct output outputs[2];
	bool input_ended; /* of ours */
	bool is_raw;	  /* ours is */
	struct termios saved;
	char typed[4096]; /* not yet taken by the program */
	size_t typed_len;
	uint64_t kill_at_ns; /* 0: not asked to end */
	bool was_killed;
};

static void copy_size(const struct attached *a)
{
	struct winsize size;

	if (a->has_terminal && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		ioctl(a->input_fd, TIOCSWINSZ, &size);
}

/* The new terminal gets the settings that ours had before. */
static void make_raw(struct attached *a)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &a->saved) != 0)
		return;
	tcsetattr(a->input_fd, TCSANOW, &a->saved);
	raw = a->saved;
	cfmakeraw(&raw);
	a->is_raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
}

/* A program that does not read must not keep us from showing what it writes. */
static void unblock(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static void on_console(struct attached *a)
{
	int console_fd = a->console_fd;

	a->console_fd = -1;
	a->input_fd = fd_pass_receive(console_fd);
	/* None: the container could not be set up, and says why. */
	if (a->input_fd < 0)
		return;
	a->has_terminal = true;
	a->outputs[0] = (struct output){a->input_fd, STDOUT_FILENO};
	unblock(a->input_fd);
	make_raw(a);
	copy_size(a);
	(void)!write(console_fd, "r", 1);
}

/* The program's input ends: with a terminal, the whole terminal goes. */
static void end_input(struct attached *a)
{
	closep(&a->input_fd);
	a->input_fd = -1;
	a->typed_len = 0;
	if (!a->has_terminal)
		return;
	a->has_terminal = false;
	a->outputs[0].from = -1;
	if (a->kill_at_ns == 0)
		a->kill_at_ns = clock_mono_ns() + GRACE_NS;
}

static void on_signal(struct attached *a)
{
	struct signalfd_siginfo info;

	if (read(a->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	if (info.ssi_signo == SIGWINCH) {
		copy_size(a);
		return;
	}
	if (a->has_terminal) {
		end_input(a);
		return;
	}
	proc_kill(a->proc, (int)info.ssi_signo);
	/* An interrupt may be the program's own affair. */
	if (info.ssi_signo != SIGINT && a->kill_at_ns == 0)
		a->kill_at_ns = clock_mono_ns() + GRACE_NS;
}

static void read_typed(struct attached *a)
{
	ssize_t n = read(STDIN_FILENO, a->typed, sizeof(a->typed));

	if (n > 0)
		a->typed_len = (size_t)n;
	else if (n == 0 || (errno != EINTR && errno != EAGAIN))
		a->input_ended = true;
	if (a->input_ended)
		end_input(a);
}

static void write_typed(struct attached *a)
{
	ssize_t n = write(a->input_fd, a->typed, a->typed_len);

	if (n <= 0)
		return;
	a->typed_len -= (size_t)n;
	memmove(a->typed, a->typed + n, a->typed_len);
}

/* False when there is nothing more to show for now. */
static bool show_output(const struct output *output)
{
	char chunk[16384];
	ssize_t n = output->from >= 0 ? read(output->from, chunk, sizeof(chunk)) : 0;

	if (n <= 0)
		return false;
	err_ignore(fs_write_all(output->to, chunk, (size_t)n), "nobody looks");
	return true;
}

/* Output or its end; but a terminal also reports an end when nothing inside has it open
 * for a moment. */
static void on_output(struct attached *a, struct output *output, short revents)
{
	if ((revents & (POLLIN | POLLHUP)) == 0 || show_output(output))
		return;
	if (!a->has_terminal)
		output->from = -1;
}

/* One round of waiting; false once the process has ended. */
static bool serve(struct attached *a)
{
	bool wants_input = a->input_fd >= 0 && a->typed_len == 0 && !a->input_ended;
	struct pollfd fds[] = {
		{.fd = a->proc->pid_fd, .events = POLLIN},
		{.fd = a->signal_fd, .events = POLLIN},
		{.fd = a->console_fd, .events = POLLIN},
		{.fd = a->outputs[0].from, .events = POLLIN},
		{.fd = a->outputs[1].from, .events = POLLIN},
		{.fd = a->typed_len > 0 ? a->input_fd : -1, .events = POLLOUT},
		{.fd = wants_input ? STDIN_FILENO : -1, .events = POLLIN},
	};

	if (poll(fds, ARRAY_LEN(fds), a->kill_at_ns > 0 ? 200 : -1) < 0)
		return errno == EINTR;
	if (a->kill_at_ns > 0 && clock_mono_ns() > a->kill_at_ns) {
		a->was_killed = true;
		proc_kill(a->proc, SIGKILL);
	}
	if (fds[0].revents)
		return false;
	if (fds[5].revents & POLLOUT)
		write_typed(a);
	else if (fds[5].revents)
		end_input(a); /* nothing reads any more */
	for (size_t i = 0; i < ARRAY_LEN(a->outputs); i++)
		on_output(a, &a->outputs[i], fds[3 + i].revents);
	if (fds[6].revents)
		read_typed(a);
	if (fds[2].revents)
		on_console(a);
	if (fds[1].revents)
		on_signal(a);
	return true;
}

static void detach(struct attached *a)
{
	for (size_t i = 0; i < ARRAY_LEN(a->outputs); i++)
		while (show_output(&a->outputs[i]))
			;
	closep(&a->input_fd);
	if (a->is_raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &a->saved);
}

struct err *terminal_attach(struct proc *proc, struct terminal_ends *ends)
{
	struct attached a = {.proc = proc,
			     .console_fd = ends->console,
			     .input_fd = steal_fd(&ends->ours[STDIN_FILENO]),
			     .outputs = {{ends->ours[STDOUT_FILENO], STDOUT_FILENO},
					 {ends->ours[STDERR_FILENO], STDERR_FILENO}}};
	sigset_t wanted, before;

	if (a.input_fd >= 0)
		unblock(a.input_fd);
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGHUP);
	sigaddset(&wanted, SIGWINCH);
	sigprocmask(SIG_BLOCK, &wanted, &before);
	a.signal_fd = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
	if (a.signal_fd < 0) {
		closep(&a.input_fd);
		sigprocmask(SIG_SETMASK, &before, NULL);
		return err_sys("signalfd");
	}
	while (serve(&a))
		;
	detach(&a);
	closep(&a.signal_fd);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return a.was_killed ? err_new(ERR_CANCELLED, "it did not end, and was killed")
			    : NULL;
}
