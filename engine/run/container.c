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

#include <unistd.h>

#include "base/fs.h"
#include "engine/run/program.h"
#include "engine/run/run_spec.h"
#include "engine/run/script_proc.h"
#include "engine/run/terminal.h"

struct running {
	const struct container_request *request;
	struct script_proc script;
	int request_fd;		   /* our end */
	struct terminal_ends ends; /* of an interactive one */
};

static void running_release(struct running *r)
{
	script_proc_release(&r->script);
	closep(&r->request_fd);
	terminal_ends_release(&r->ends);
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
	TRY(proc_pipe(&r->script.output_fd, output_write));
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
	TRY(proc_start(&r->script.proc, &proc));
	terminal_ends_give(&r->ends);
	return NULL;
}

static struct err *start(struct running *r)
{
	CLEANUP(closep) int request_read = -1;
	CLEANUP(closep) int status_write = -1;
	CLEANUP(buf_release) struct buf spec = BUF_INIT;

	TRY(proc_pipe(&request_read, &r->request_fd));
	TRY(proc_pipe(&r->script.status_fd, &status_write));
	TRY(start_child(r, request_read, status_write));
	closep(&request_read);
	request_read = -1;
	run_spec_encode(r->request, r->ends.taken, &spec);
	return fs_write_all(r->request_fd, spec.data, spec.len);
}

struct err *container_run(const struct container_request *request,
			  struct container_result *result)
{
	CLEANUP(running_release)
	struct running r = {.request = request,
			    .script = SCRIPT_PROC_INIT,
			    .request_fd = -1,
			    .ends = TERMINAL_ENDS_INIT};

	r.script.cancel = request->cancel;
	r.script.line = request->line;
	r.script.context = request->context;
	TRY(err_wrap(start(&r), "the container cannot be started"));
	if (request->interactive)
		TRY(terminal_attach(&r.script.proc, &r.ends));
	else
		script_proc_follow(&r.script);
	TRY(script_proc_wait(&r.script));
	return err_wrap(script_proc_answer(&r.script, &result->status),
			"the container failed");
}
