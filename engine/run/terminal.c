/* SPDX-License-Identifier: MIT
 * terminal.c - see terminal.h.
 *
 * When the user's terminal goes away, or we are asked to end, our end of the new one is
 * closed: the kernel then sends SIGHUP to the program, as when a window is closed.  init
 * keeps the other end open, so that reading ours says "nothing more" only when all is over.
 */
#include "engine/run/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"

/* What was asked to end and does not is killed. */
static const uint64_t GRACE_NS = UINT64_C(10) * 1000000000;

/* ---- passing the other end on ---- */

/* Room for one descriptor: cmsg(3). */
union descriptor_message {
	char buffer[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static struct err *send_descriptor(int socket_fd, int fd)
{
	char byte = 't';
	struct iovec data = {&byte, 1};
	union descriptor_message control = {{0}};
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control.buffer,
		.msg_controllen = sizeof(control.buffer),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	if (sendmsg(socket_fd, &message, MSG_NOSIGNAL) < 0)
		return err_sys("send the terminal");
	return NULL;
}

/* -1 when none came: the container could not be set up, and says why. */
static int receive_descriptor(int socket_fd)
{
	char byte;
	struct iovec data = {&byte, 1};
	union descriptor_message control = {{0}};
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control.buffer,
		.msg_controllen = sizeof(control.buffer),
	};
	struct cmsghdr *header;
	int fd = -1;

	if (recvmsg(socket_fd, &message, MSG_CMSG_CLOEXEC) <= 0)
		return -1;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_level == SOL_SOCKET &&
	    header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof(fd)))
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

/* ---- inside ---- */

/* The settings before the caller's terminal is made raw: it waits for what is sent here. */
static void copy_settings(int from, int to)
{
	struct termios settings;
	struct winsize size;

	if (tcgetattr(from, &settings) == 0)
		tcsetattr(to, TCSANOW, &settings);
	if (ioctl(from, TIOCGWINSZ, &size) == 0)
		ioctl(to, TIOCSWINSZ, &size);
}

struct err *terminal_offer(int console_fd, int *tty_fd)
{
	CLEANUP(closep) int other = -1;
	CLEANUP(closep) int tty = -1;
	int locked = 0;

	TRY(fs_open(AT_FDCWD, "/dev/pts/ptmx", O_RDWR | O_NOCTTY, 0, &other));
	if (ioctl(other, TIOCSPTLCK, &locked) != 0)
		return err_sys("unlock the terminal");
	/* ioctl_tty(2): not by its name, which could be another one's. */
	tty = ioctl(other, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (tty < 0)
		return err_sys("open the terminal");
	copy_settings(STDIN_FILENO, tty);
	TRY(send_descriptor(console_fd, other));
	*tty_fd = steal_fd(&tty);
	return NULL;
}

struct err *terminal_take(int tty_fd)
{
	if (ioctl(tty_fd, TIOCSCTTY, 0) != 0)
		return err_sys("take the terminal");
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (isatty(fd) && dup2(tty_fd, fd) < 0)
			return err_sys("dup");
	return NULL;
}

/* ---- outside ---- */

struct attached {
	struct proc *proc;
	int signal_fd;
	int console_fd;	  /* borrowed; -1 once the terminal has come, or failed to */
	int master_fd;	  /* our end of it; -1: none, or no more */
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

	if (a->master_fd >= 0 && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		ioctl(a->master_fd, TIOCSWINSZ, &size);
}

static void make_raw(struct attached *a)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &a->saved) != 0)
		return;
	raw = a->saved;
	cfmakeraw(&raw);
	a->is_raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
}

static void on_console(struct attached *a)
{
	a->master_fd = receive_descriptor(a->console_fd);
	a->console_fd = -1;
	if (a->master_fd < 0)
		return;
	/* A program that does not read must not keep us from showing what it writes. */
	fcntl(a->master_fd, F_SETFL, fcntl(a->master_fd, F_GETFL) | O_NONBLOCK);
	make_raw(a);
	copy_size(a);
}

static void hang_up(struct attached *a)
{
	closep(&a->master_fd);
	a->master_fd = -1;
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
	if (a->master_fd >= 0) {
		hang_up(a);
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
		hang_up(a);
}

static void write_typed(struct attached *a)
{
	ssize_t n = write(a->master_fd, a->typed, a->typed_len);

	if (n <= 0)
		return;
	a->typed_len -= (size_t)n;
	memmove(a->typed, a->typed + n, a->typed_len);
}

/* False when there is nothing more to show for now. */
static bool show_output(const struct attached *a)
{
	char chunk[16384];
	ssize_t n = read(a->master_fd, chunk, sizeof(chunk));

	if (n <= 0)
		return false;
	err_ignore(fs_write_all(STDOUT_FILENO, chunk, (size_t)n), "nobody looks");
	return true;
}

/* One round of waiting; false once the process has ended. */
static bool serve(struct attached *a)
{
	bool wants_input = a->master_fd >= 0 && a->typed_len == 0 && !a->input_ended;
	struct pollfd fds[] = {
		{.fd = a->proc->pid_fd, .events = POLLIN},
		{.fd = a->signal_fd, .events = POLLIN},
		{.fd = a->console_fd, .events = POLLIN},
		{.fd = a->master_fd,
		 .events = (short)(POLLIN | (a->typed_len > 0 ? POLLOUT : 0))},
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
	if (fds[3].revents & POLLOUT)
		write_typed(a);
	if (fds[3].revents & POLLIN)
		show_output(a);
	if (fds[4].revents)
		read_typed(a);
	if (fds[2].revents)
		on_console(a);
	if (fds[1].revents)
		on_signal(a);
	return true;
}

static void detach(struct attached *a)
{
	while (a->master_fd >= 0 && show_output(a))
		;
	closep(&a->master_fd);
	if (a->is_raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &a->saved);
}

struct err *terminal_attach(struct proc *proc, int console_fd)
{
	struct attached a = {.proc = proc, .console_fd = console_fd, .master_fd = -1};
	sigset_t wanted, before;

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGHUP);
	sigaddset(&wanted, SIGWINCH);
	sigprocmask(SIG_BLOCK, &wanted, &before);
	a.signal_fd = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
	if (a.signal_fd < 0) {
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
