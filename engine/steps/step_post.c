/* SPDX-License-Identifier: MIT
 * step_post.c - `%post`: the script, in a container, into a new layer.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/byte_count.h"
#include "base/fs.h"
#include "engine/steps/steps.h"
#include "engine/work/cpu.h"
#include "engine/work/mounted.h"
#include "engine/steps/failed_step.h"
#include "engine/work/script.h"
#include "engine/work/script_command.h"
#include "engine/tree/tmp_drop.h"

static const char SCRIPT[] = "/.post.script";

static bool asks_for_cpu(const struct work *w, const struct step *step)
{
	bool asks = cpu_is_asked_for(step->script.text) ||
		    cpu_is_asked_for(step->script.args);

	for (size_t i = 0; i < w->n_passed_env; i++)
		asks = asks || cpu_is_asked_for(w->passed_env[i]);
	return asks;
}

static void set_cpu(const struct work *w, const struct step *step)
{
	CLEANUP(freep) char *cpu = NULL;

	if (!asks_for_cpu(w, step))
		return;
	cpu = cpu_describe();
	key_set_text(work_state(w, step->id)->inputs, "cpu", cpu);
}

static struct err *post_compose(const struct work *w, const struct step *step,
				struct task *task, bool *known)
{
	struct key *inputs = work_state(w, step->id)->inputs;

	(void)task;
	(void)known;
	script_section_key(step, inputs);
	key_set_text(inputs, "temporary files",
		     step->script.keep_tmp ? "kept" : "dropped");
	script_env_key(w, inputs);
	set_cpu(w, step);
	return NULL;
}

/* What is run, in a container over the step's parent. */
struct script {
	const char *command; /* APPTAINER_COMMAND */
	const char *const *argv;
	const char *text; /* of SCRIPT; NULL: none */
};

/* Run it with the upper of `m`, which is kept if it fails. */
static struct err *run_script(const struct work *w, const struct step *step,
			      struct task *task, struct mounted *m,
			      const struct script *script)
{
	CLEANUP(script_output_release) struct script_output output = SCRIPT_OUTPUT_INIT;
	CLEANUP(script_env_freep) char **env = script_env(w, script->command);
	CLEANUP(freep) const char **names = NULL;
	struct container_request request = {
		.root = mounted_overlay(w, work_parent(w, step), &names),
		.argv = script->argv,
		.script = script->text,
		.envp = (const char *const *)env,
		.source_environment = true,
		.security = w->options.security,
		.hold_fd = flight_lock_fd(w->flights, &work_state(w, step->id)->key),
		.cancel = task_cancel(task),
		.line = script_output_line,
		.context = &output,
	};
	struct container_result result = {0};

	TRY(mounted_prepare(w, work_parent(w, step), m));
	TRY(script_output_open(w, step, task, &output));
	request.root.upper = m->upper;
	request.root.work = m->work;
	request.root.mount_point = m->mount_point;
	TRY(err_wrap(container_run(&request, &result), "%s of stage '%s'", step->label,
		     step->stage_name));
	return result.status == 0
		       ? NULL
		       : failed_step(w, step, m, &request, &output, result.status);
}

static void say_dropped(struct task *task, const struct tmp_drop *d)
{
	char size[BYTE_COUNT_SIZE];

	if (d->n_names == 0)
		return;
	byte_count_format(d->bytes, size);
	task_note(task,
		  "what it left in /tmp and /var/tmp is not in the image: %s in %llu %s "
		  "(--keep-tmp keeps it)",
		  size, (unsigned long long)d->n_names,
		  d->n_names == 1 ? "name" : "names");
}

static struct err *drop_tmp(const struct work *w, const struct step *step,
			    struct task *task, struct mounted *m)
{
	CLEANUP(mounted_release) struct mounted below = MOUNTED_INIT;
	CLEANUP(closep) int upper = -1;
	CLEANUP(closep) int trash = -1;
	struct tmp_drop drop = {.cancel = task_cancel(task),
				.keep = step->script.keep_tmp};

	TRY(mounted_open(w, work_parent(w, step), false, &below));
	TRY(fs_open(AT_FDCWD, m->upper, O_RDONLY | O_DIRECTORY, 0, &upper));
	TRY(fs_mkdirs(m->scratch.fd, "trash", 0700));
	TRY(fs_open(m->scratch.fd, "trash", O_RDONLY | O_DIRECTORY, 0, &trash));
	drop.upper_fd = upper;
	drop.below_fd = below.root_fd;
	drop.trash_fd = trash;
	TRY(tmp_drop(&drop));
	say_dropped(task, &drop);
	return NULL;
}

static struct err *post_run(const struct work *w, const struct step *step,
			    struct task *task, cJSON *record)
{
	CLEANUP(mounted_release) struct mounted m = MOUNTED_INIT;
	CLEANUP(script_command_freep) char **argv = NULL;
	struct script script = {.command = "exec", .text = step->script.text};

	(void)record;
	TRY(script_command(step, SCRIPT, &argv));
	script.argv = (const char *const *)argv;
	TRY(run_script(w, step, task, &m, &script));
	TRY(err_wrap(drop_tmp(w, step, task, &m), "/tmp of stage '%s'",
		     step->stage_name));
	return mounted_commit(w, step, task, &m, work_parent(w, step));
}

const struct step_ops step_post_ops = {.compose = post_compose, .run = post_run};

/* ---- %test: the same, but what it writes is thrown away ---- */

static struct err *test_compose(const struct work *w, const struct step *step,
				struct task *task, bool *known)
{
	(void)task;
	(void)known;
	script_env_key(w, work_state(w, step->id)->inputs);
	set_cpu(w, step);
	return NULL;
}

static struct err *test_run(const struct work *w, const struct step *step,
			    struct task *task, cJSON *record)
{
	static const char *const argv[] = {"/.singularity.d/test", NULL};
	static const struct script script = {.command = "test", .argv = argv};
	CLEANUP(mounted_release) struct mounted m = MOUNTED_INIT;

	(void)record;
	return run_script(w, step, task, &m, &script);
}

const struct step_ops step_test_ops = {.compose = test_compose, .run = test_run};
