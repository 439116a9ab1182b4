/* SPDX-License-Identifier: MIT
 * script_proc.c - see script_proc.h.
 */
#include "engine/run/script_proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"

/* Between SIGTERM and the end. */
static const uint64_t GRACE_NS = UINT64_C(10) * 1000000000;
/* Longer lines are passed on in parts. */
static const size_t LINE_MAX_BYTES = (size_t)64 << 10;

/* ---- output ---- */

static void flush_line(struct script_proc *p)
{
	if (p->line)
		p->line(p->context, str_make(buf_text(&p->line_buf), p->line_buf.len));
	buf_clear(&p->line_buf);
}

static void take_output(struct script_proc *p, struct str text)
{
	while (text.len > 0) {
		size_t end = str_find(text, '\n');
		size_t room = LINE_MAX_BYTES - p->line_buf.len;
		size_t n = end < room ? end : room;

		if (n > text.len)
			n = text.len;
		buf_append(&p->line_buf, text.data, n);
		text = str_slice(text, n, text.len);
		if (text.len > 0 && text.data[0] == '\n') {
			flush_line(p);
			text = str_slice(text, 1, text.len);
		} else if (p->line_buf.len >= LINE_MAX_BYTES) {
			flush_line(p);
		}
	}
}

/* Read what is there; 0 at the end of the output, less when there is nothing. */
static ssize_t read_output(struct script_proc *p)
{
	char chunk[16384];
	ssize_t n = read(p->output_fd, chunk, sizeof(chunk));

	if (n > 0)
		take_output(p, str_make(chunk, (size_t)n));
	return n;
}

/* The child has ended, and has ended what could still write; unless somebody killed it:
 * then its group goes here, while its pid is still its own, and what has left the group
 * may hold the pipe open. */
static void read_rest(struct script_proc *p)
{
	kill(-p->proc.pid, SIGKILL);
	fcntl(p->output_fd, F_SETFL, O_NONBLOCK);
	while (read_output(p) > 0)
		;
	if (p->line_buf.len > 0)
		flush_line(p);
}

/* ---- waiting ---- */

static void end_now(struct script_proc *p)
{
	if (!p->ends_itself)
		proc_kill(&p->proc, SIGKILL);
	else if (p->life_fd >= 0)
		close(steal_fd(&p->life_fd));
}

static void pass_cancel_on(struct script_proc *p)
{
	enum cancel_level level = cancel_level(p->cancel);

	if (level >= CANCEL_NOW || (p->terminated && clock_mono_ns() > p->kill_at_ns)) {
		end_now(p);
	} else if (level == CANCEL_ASKED && !p->terminated) {
		p->terminated = true;
		p->kill_at_ns = clock_mono_ns() + GRACE_NS;
		proc_kill(&p->proc, SIGTERM);
	}
}

void script_proc_follow(struct script_proc *p)
{
	const struct cancel *cancel = p->cancel;
	struct pollfd fds[] = {
		{.fd = p->output_fd, .events = POLLIN},
		{.fd = p->proc.pid_fd, .events = POLLIN},
		{.fd = cancel ? cancel_fd(cancel, CANCEL_ASKED) : -1, .events = POLLIN},
		{.fd = cancel ? cancel_fd(cancel, CANCEL_NOW) : -1, .events = POLLIN},
	};

	while (!(fds[1].revents & POLLIN)) {
		int n = poll(fds, ARRAY_LEN(fds), p->terminated ? 200 : -1);

		if (n < 0 && errno != EINTR)
			break;
		if (cancel && cancel_level(cancel) != CANCEL_NONE) {
			pass_cancel_on(p);
			/* Seen: do not spin on what stays readable. */
			fds[2].fd = -1;
			if (cancel_level(cancel) == CANCEL_NOW)
				fds[3].fd = -1;
		}
		if ((fds[0].revents & (POLLIN | POLLHUP)) && read_output(p) == 0)
			fds[0].fd = -1;
	}
	read_rest(p);
}

struct err *script_proc_wait(struct script_proc *p)
{
	int ended;

	TRY(proc_wait(&p->proc, &ended));
	return p->cancel ? cancel_check(p->cancel) : NULL;
}

struct err *script_proc_answer(struct script_proc *p, int *status)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct str answer, code_word, message;
	uint64_t code = 0;
	bool is_image; /* the image's fault, not this machine's */

	TRY(fs_read_fd(p->status_fd, KIB(64), &text));
	answer = str_make(buf_text(&text), text.len);
	if (str_starts_with(answer, "E")) {
		str_cut(str_slice(answer, 1, answer.len), ' ', &code_word, &message);
		is_image = str_to_u64(code_word, &code) && code == ERR_STEP;
		/* A status may follow the error: the error is its cause. */
		str_cut(message, '\n', &message, &code_word);
		return err_new(is_image ? ERR_STEP : ERR_UNSUPPORTED, "%.*s",
			       STR_ARG(message));
	}
	if (!str_starts_with(answer, "S") ||
	    !str_to_u64(str_trim(str_slice(answer, 1, answer.len)), &code))
		return err_new(ERR_SYS, "it ended without an answer");
	*status = (int)code;
	return NULL;
}

void script_proc_release(struct script_proc *p)
{
	int ended;

	closep(&p->life_fd);
	if (p->ends_itself && p->proc.pid > 0)
		err_ignore(proc_wait(&p->proc, &ended), "it was only to end");
	proc_release(&p->proc);
	closep(&p->status_fd);
	closep(&p->output_fd);
	buf_release(&p->line_buf);
}
