/* SPDX-License-Identifier: MIT
 * credential_helper.c - see credential_helper.h; the protocol is that of
 * github.com/docker/docker-credential-helpers: the server on standard input, JSON or a
 * message on standard output.
 *
 * A helper may ask a password store, a person, or a network: it may take long, or hang.
 * It runs in a process group of its own, which is killed when the helper has ended, in
 * whatever way.
 */
#include "engine/net/credential_helper.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/proc.h"
#include "base/str.h"

static const size_t ANSWER_MAX = (size_t)64 << 10;
static const size_t COMPLAINT_MAX = (size_t)4 << 10;
static const size_t NAME_MAX_BYTES = 64;

struct talk {
	const struct credential_helper *helper;
	struct proc process;
	int out_fd, err_fd; /* our ends; -1 once they have ended */
	struct buf answer, complaint;
	uint64_t until_ns;
};

static void talk_release(struct talk *t)
{
	if (t->process.pid > 0)
		kill(-t->process.pid, SIGKILL);
	proc_release(&t->process);
	closep(&t->out_fd);
	closep(&t->err_fd);
	buf_release(&t->answer);
	buf_release(&t->complaint);
}

/* It is part of a program's name, never a path. */
static bool name_is_valid(const char *name)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789._-";
	size_t n = strspn(name, allowed);

	return n > 0 && n <= NAME_MAX_BYTES && name[n] == '\0';
}

static struct err *begin(struct talk *t, const char *program)
{
	CLEANUP(closep) int in_read = -1;
	CLEANUP(closep) int in_write = -1;
	CLEANUP(closep) int out_write = -1;
	CLEANUP(closep) int err_write = -1;
	const char *argv[] = {program, "get", NULL};
	struct proc_spec spec = {.path = program, .argv = argv, .own_group = true};

	TRY(proc_pipe(&in_read, &in_write));
	TRY(proc_pipe(&t->out_fd, &out_write));
	TRY(proc_pipe(&t->err_fd, &err_write));
	if (fcntl(in_write, F_SETFL, O_NONBLOCK) != 0 ||
	    fcntl(t->out_fd, F_SETFL, O_NONBLOCK) != 0 ||
	    fcntl(t->err_fd, F_SETFL, O_NONBLOCK) != 0)
		return err_sys("pipe");
	spec.stdin_fd = in_read;
	spec.stdout_fd = out_write;
	spec.stderr_fd = err_write;
	TRY(proc_start(&t->process, &spec));
	/* A server's name fits into a pipe; the helper may not want to read it. */
	err_ignore(fs_write_all(in_write, t->helper->server, strlen(t->helper->server)),
		   "its answer tells");
	return NULL;
}

/* Read what is there; close a pipe that has ended. */
static void drain(int *fd, struct buf *out)
{
	char piece[4096];
	ssize_t n = 1;

	while (*fd >= 0 && n > 0 && !out->overflowed) {
		n = read(*fd, piece, sizeof(piece));
		if (n > 0)
			buf_append(out, piece, (size_t)n);
	}
	if (n == 0)
		close(steal_fd(fd));
}

/* Until the helper has ended: what it leaves in the background may hold its pipes
 * open. */
static struct err *listen_to(struct talk *t)
{
	const struct cancel *cancel = t->helper->cancel;
	struct pollfd fds[] = {
		{.fd = t->process.pid_fd, .events = POLLIN},
		{.fd = cancel ? cancel_fd(cancel, CANCEL_ASKED) : -1, .events = POLLIN},
		{.events = POLLIN},
		{.events = POLLIN},
	};

	while (!fds[0].revents) {
		uint64_t now = clock_mono_ns();

		if (cancel)
			TRY(cancel_check(cancel));
		if (now >= t->until_ns)
			return err_new(ERR_NETWORK, "no answer within %u s",
				       (t->helper->timeout_ms + 999) / 1000);
		fds[2].fd = t->out_fd;
		fds[3].fd = t->err_fd;
		poll(fds, ARRAY_LEN(fds), (int)((t->until_ns - now) / 1000000) + 1);
		drain(&t->out_fd, &t->answer);
		drain(&t->err_fd, &t->complaint);
		if (t->answer.overflowed)
			return err_new(ERR_CORRUPT, "an answer of more than %zu bytes",
				       ANSWER_MAX);
		/* We stop listening to a helper that complains without end. */
		if (t->complaint.overflowed && t->err_fd >= 0)
			close(steal_fd(&t->err_fd));
	}
	return NULL;
}

static struct err *read_answer(const struct talk *t, struct credentials *out)
{
	CLEANUP(json_freep) cJSON *tree = NULL;
	const char *user, *secret;

	TRY(json_parse(str_make(buf_text(&t->answer), t->answer.len), &tree));
	user = json_string(tree, "Username");
	secret = json_string(tree, "Secret");
	if (!user || !secret || !secret[0])
		return NULL;
	if (strcmp(user, "<token>") == 0) {
		out->identity_token = xstrdup(secret);
		return NULL;
	}
	out->user = xstrdup(user);
	out->password = xstrdup(secret);
	return NULL;
}

/* Helpers say on standard output what fails; some say more on standard error. */
static struct err *failure(const struct talk *t, int status)
{
	static const char unknown[] = "credentials not found";
	const char *said = buf_text(&t->answer);
	struct str line, rest;

	if (strstr(said, unknown) || strstr(buf_text(&t->complaint), unknown))
		return NULL;
	line = str_trim(str_of(said));
	if (line.len == 0)
		line = str_trim(str_of(buf_text(&t->complaint)));
	str_cut(line, '\n', &line, &rest);
	line = str_slice(line, 0, 200);
	return err_new(ERR_AUTH, "exit status %d%s%.*s", status, line.len > 0 ? ", " : "",
		       STR_ARG(line));
}

static struct err *ask(struct talk *t, const char *program, struct credentials *out)
{
	int status = 0;

	TRY(begin(t, program));
	TRY(listen_to(t));
	/* Before it is reaped: its pid is still its own. */
	kill(-t->process.pid, SIGKILL);
	TRY(proc_wait(&t->process, &status));
	return status == 0 ? read_answer(t, out) : failure(t, status);
}

struct err *credential_helper_get(const struct credential_helper *helper,
				  struct credentials *out)
{
	CLEANUP(freep) char *program = xasprintf("docker-credential-%s", helper->name);
	CLEANUP(talk_release)
	struct talk t = {
		.helper = helper,
		.process = PROC_INIT,
		.out_fd = -1,
		.err_fd = -1,
		.answer = BUF_MAX(ANSWER_MAX),
		.complaint = BUF_MAX(COMPLAINT_MAX),
		.until_ns = clock_mono_ns() + (uint64_t)helper->timeout_ms * 1000000,
	};
	struct err *e;

	if (!name_is_valid(helper->name))
		return err_new(ERR_UNSUPPORTED,
			       "'%.100s' is not a credential helper's name",
			       helper->name);
	e = ask(&t, program, out);
	if (!e && credentials_are_set(out) && !out->source)
		out->source = xasprintf("'%s'", program);
	return err_wrap(e, "credential helper '%s'", program);
}
