/* SPDX-License-Identifier: MIT
 * host_script.c - the parent's side of host_script.h.
 *
 * The child's descriptors: 3 ends when we do, or when we want it to end; 4 takes its
 * answer (script_child.h); 5 is what it holds for us.
 */
#include "engine/run/host_script.h"

#include "base/vec.h"
#include "engine/run/script_proc.h"

static struct err *start(struct script_proc *p, const struct host_script *script)
{
	CLEANUP(closep) int life_read = -1;
	CLEANUP(closep) int status_write = -1;
	CLEANUP(closep) int output_write = -1;
	VEC(const char *) argv = {0};
	struct proc_spec proc = {
		.path = proc_self(),
		.envp = script->envp,
		.stdin_fd = -1,
		.n_pass_fds = 3,
		.own_session = true,
	};
	struct err *e;

	p->ends_itself = true;
	TRY(proc_pipe(&life_read, &p->life_fd));
	TRY(proc_pipe(&p->status_fd, &status_write));
	TRY(proc_pipe(&p->output_fd, &output_write));
	vec_push(&argv, "dagbuild");
	vec_push(&argv, "internal-host");
	for (size_t i = 0; script->argv[i]; i++)
		vec_push(&argv, script->argv[i]);
	vec_push(&argv, NULL);
	proc.argv = argv.items;
	proc.stdout_fd = proc.stderr_fd = output_write;
	proc.pass_fds = (const int[]){life_read, status_write,
				      script->hold_fd > 0 ? script->hold_fd : -1};
	e = proc_start(&p->proc, &proc);
	vec_free(&argv);
	return e;
}

struct err *host_script_run(const struct host_script *script, int *status)
{
	CLEANUP(script_proc_release) struct script_proc p = SCRIPT_PROC_INIT;

	p.cancel = script->cancel;
	p.line = script->line;
	p.context = script->context;
	TRY(err_wrap(start(&p, script), "the script cannot be started"));
	script_proc_follow(&p);
	TRY(script_proc_wait(&p));
	return err_wrap(script_proc_answer(&p, status), "the script cannot be run");
}
