/* SPDX-License-Identifier: MIT
 * container.c - the parent's side of a container: start it, read its output, end it.
 *
 * The child starts with an empty environment, from a copy of dagbuild (program.h).  Its
 * descriptors: 3 is the request, whose other end stays open as long as we live; 4 takes
 * its answer: "S" and the exit status, or "E", an error code and a text; 5 is the copy it
 * is started from; with a terminal, our end of the new one comes through 6; 7 is what it
 * holds for us.
 */
#include "engine/run/container.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/proc.h"
#include "engine/run/program.h"
#include "engine/run/run_spec.h"
#include "engine/run/terminal.h"

/* Between SIGTERM and SIGKILL. */
static const uint64_t GRACE_NS = UINT64_C(10) * 1000000000;
/* Longer lines are passed on in parts. */
static const size_t LINE_MAX_BYTES = (size_t)64 << 10;

struct running {
	const struct container_request *request;
	struct proc proc;
	int request_fd, status_fd, output_fd; /* our ends */
	struct terminal_ends ends;	      /* of an interactive one */
	struct buf line;
	bool terminated;     /* SIGTERM was sent */
	uint64_t kill_at_ns; /* once terminated */
};

static void running_release(struct running *r)
{
	proc_release(&r->proc);
	closep(&r->request_fd);
	closep(&r->status_fd);
	closep(&r->output_fd);
	terminal_ends_release(&r->ends);
	buf_release(&r->line);
}

/* Standard descriptors: a pipe that we read; or our own, except a terminal. */
static struct err *choose_output(struct running *r, struct proc_spec *proc,
				 int *output_write)
{
	if (r->request->interactive) {
		TRY(terminal_ends_open(&r->ends, r->request->tty));
		proc->stdin_fd = r->ends.child[STDIN_FILENO];
		proc->stdout_fd = r->ends.child[STDOUT_FILENO];
		proc->stderr_fd = r->ends.child[STDERR_FILENO];
		return NULL;
	}
	TRY(proc_pipe(&r->output_fd, output_write));
	proc->stdin_fd = -1;
	proc->stdout_fd = proc->stderr_fd = *output_write;
	return NULL;
}

static struct err *start_child(struct running *r, int request_read, int status_write)
{
	static const char *const argv[] = {"dagbuild", "internal-run", NULL};
	CLEANUP(closep) int output_write = -1;
	const char *env[2];
	int program = program_fd();
	int pass[] = {request_read, status_write, program, -1,
		      r->request->hold_fd > 0 ? r->request->hold_fd : -1};
	struct proc_spec proc = {
		.path = program >= 0 ? CONTAINER_PROGRAM : proc_self(),
		.argv = argv,
		.envp = env,
		.pass_fds = pass,
		.n_pass_fds = ARRAY_LEN(pass),
		.own_group = true,
	};

	proc_self_env(env);
	TRY(choose_output(r, &proc, &output_write));
	pass[3] = r->ends.child_console;
	TRY(proc_start(&r->proc, &proc));
	terminal_ends_give(&r->ends);
	return NULL;
}

static struct err *start(struct running *r)
{
	CLEANUP(closep) int request_read = -1;
	CLEANUP(closep) int status_write = -1;
	CLEANUP(buf_release) struct buf spec = BUF_INIT;

	TRY(proc_pipe(&request_read, &r->request_fd));
	TRY(proc_pipe(&r->status_fd, &status_write));
	TRY(start_child(r, request_read, status_write));
	closep(&request_read);
	request_read = -1;
	run_spec_encode(r->request, r->ends.taken, &spec);
	return fs_write_all(r->request_fd, spec.data, spec.len);
}

/* ---- output ---- */

static void flush_line(struct running *r)
{
	if (r->request->line)
		r->request->line(r->request->context,
				 str_make(buf_text(&r->line), r->line.len));
	buf_clear(&r->line);
}

static void take_output(struct running *r, struct str text)
{
	while (text.len > 0) {
		size_t end = str_find(text, '\n');
		size_t room = LINE_MAX_BYTES - r->line.len;
		size_t n = end < room ? end : room;

		if (n > text.len)
			n = text.len;
		buf_append(&r->line, text.data, n);
		text = str_slice(text, n, text.len);
		if (text.len > 0 && text.data[0] == '\n') {
			flush_line(r);
			text = str_slice(text, 1, text.len);
		} else if (r->line.len >= LINE_MAX_BYTES) {
			flush_line(r);
		}
	}
}

/* Read what is there; false at the end of the output. */
static bool read_output(struct running *r)
{
	char chunk[16384];
	ssize_t n = read(r->output_fd, chunk, sizeof(chunk));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	take_output(r, str_make(chunk, (size_t)n));
	return n > 0;
}

/* ---- waiting ---- */

static void pass_cancel_on(struct running *r)
{
	enum cancel_level level = cancel_level(r->request->cancel);

	if (level >= CANCEL_NOW || (r->terminated && clock_mono_ns() > r->kill_at_ns)) {
		proc_kill(&r->proc, SIGKILL);
	} else if (level == CANCEL_ASKED && !r->terminated) {
		r->terminated = true;
		r->kill_at_ns = clock_mono_ns() + GRACE_NS;
		proc_kill(&r->proc, SIGTERM);
	}
}

/* Until the child has ended.  Its descriptor becomes readable only then, and by then the
 * kernel has ended everything that could still write. */
static void wait_and_read(struct running *r)
{
	const struct cancel *cancel = r->request->cancel;
	struct pollfd fds[] = {
		{.fd = r->output_fd, .events = POLLIN},
		{.fd = r->proc.pid_fd, .events = POLLIN},
		{.fd = cancel ? cancel_fd(cancel, CANCEL_ASKED) : -1, .events = POLLIN},
		{.fd = cancel ? cancel_fd(cancel, CANCEL_NOW) : -1, .events = POLLIN},
	};

	while (!(fds[1].revents & POLLIN)) {
		int n = poll(fds, ARRAY_LEN(fds), r->terminated ? 200 : -1);

		if (n < 0 && errno != EINTR)
			break;
		if (cancel && cancel_level(cancel) != CANCEL_NONE) {
			pass_cancel_on(r);
			/* Seen: do not spin on what stays readable. */
			fds[2].fd = -1;
			if (cancel_level(cancel) == CANCEL_NOW)
				fds[3].fd = -1;
		}
		if ((fds[0].revents & (POLLIN | POLLHUP)) && !read_output(r))
			fds[0].fd = -1;
	}
	while (read_output(r))
		;
	if (r->line.len > 0)
		flush_line(r);
}

static struct err *read_answer(struct running *r, struct container_result *result)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct str answer, code_word, message;
	uint64_t code = 0;

	TRY(fs_read_fd(r->status_fd, KIB(64), &text));
	answer = str_make(buf_text(&text), text.len);
	if (str_starts_with(answer, "E")) {
		str_cut(str_slice(answer, 1, answer.len), ' ', &code_word, &message);
		/* A status may follow the error: the error is its cause. */
		str_cut(message, '\n', &message, &code_word);
		return err_new(ERR_UNSUPPORTED, "%.*s", STR_ARG(message));
	}
	if (!str_starts_with(answer, "S") ||
	    !str_to_u64(str_trim(str_slice(answer, 1, answer.len)), &code))
		return err_new(ERR_SYS, "the container ended without an answer");
	result->status = (int)code;
	return NULL;
}

struct err *container_run(const struct container_request *request,
			  struct container_result *result)
{
	CLEANUP(running_release)
	struct running r = {.request = request,
			    .proc = PROC_INIT,
			    .request_fd = -1,
			    .status_fd = -1,
			    .output_fd = -1,
			    .ends = TERMINAL_ENDS_INIT};
	struct err *e;
	int ended;

	TRY(err_wrap(start(&r), "the container cannot be started"));
	if (request->interactive)
		TRY(terminal_attach(&r.proc, &r.ends));
	else
		wait_and_read(&r);
	TRY(proc_wait(&r.proc, &ended));
	if (request->cancel)
		TRY(cancel_check(request->cancel));
	e = read_answer(&r, result);
	return err_wrap(e, "the container failed");
}
