/* SPDX-License-Identifier: MIT
 * step_host.c - `%pre` and `%setup`: scripts on the host.
 *
 * Nobody knows what such a script reads, so it is never a hit, unless the user says that
 * it depends on nothing but its text and the root filesystem.  What `%setup` leaves
 * there is named by its contents, so that the steps behind it can be hits all the same.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/dir.h"
#include "base/fs.h"
#include "base/path.h"
#include "base/vec.h"
#include "cache/record.h"
#include "engine/steps/steps.h"
#include "engine/work/mounted.h"
#include "engine/work/script.h"
#include "engine/work/script_command.h"

static struct err *host_compose(const struct work *w, const struct step *step,
				struct task *task, bool *known)
{
	struct key *inputs = work_state(w, step->id)->inputs;

	(void)task;
	(void)known;
	script_section_key(step, inputs);
	if (w->epoch_set)
		key_set_u64(inputs, "SOURCE_DATE_EPOCH", (uint64_t)w->epoch_s);
	return NULL;
}

/* ---- the script ---- */

/* Does `word` set the variable that `other` sets? */
static bool sets_same(const char *word, const char *other)
{
	return strncmp(word, other, strcspn(other, "=") + 1) == 0;
}

/* What Apptainer adds (definition files, section 3.3), then the caller's, but for what
 * was added.  For script_env_freep(). */
static char **environment_of(const char *root)
{
	static const char in_image[] = "/.singularity.d/env/91-environment.sh";
	VEC(char *) env = {0};
	size_t n_added;

	vec_push(&env, xasprintf("APPTAINER_ROOTFS=%s", root));
	vec_push(&env, xasprintf("SINGULARITY_ROOTFS=%s", root));
	vec_push(&env, xasprintf("APPTAINER_ENVIRONMENT=%s", in_image));
	vec_push(&env, xasprintf("SINGULARITY_ENVIRONMENT=%s", in_image));
	n_added = env.len;
	for (char **word = environ; *word; word++) {
		size_t i = 0;

		while (i < n_added && !sets_same(*word, env.items[i]))
			i++;
		if (i == n_added)
			vec_push(&env, xstrdup(*word));
	}
	vec_push(&env, NULL);
	return env.items;
}

/* Run it with `root` as the root filesystem; its file lies in the scratch folder. */
static struct err *run_script(const struct work *w, const struct step *step,
			      struct task *task, const struct scratch *scratch,
			      const char *root)
{
	const char *name = step_kind_name(step->kind), *text = step->script.text;
	CLEANUP(freep) char *path = path_join(scratch->path, name);
	CLEANUP(script_output_release) struct script_output output = SCRIPT_OUTPUT_INIT;
	CLEANUP(script_env_freep) char **env = environment_of(root);
	CLEANUP(script_command_freep) char **argv = NULL;
	int hold_fd = flight_lock_fd(w->flights, &work_state(w, step->id)->key);
	int status;

	TRY(fs_write_atomic(scratch->fd, name, text, strlen(text), 0755));
	TRY(script_command(step, path, &argv));
	output.script = path;
	TRY(script_output_open(w, step, task, &output));
	TRY(err_wrap(script_run_on_host(&output, (const char *const *)argv,
					(const char *const *)env, hold_fd, &status),
		     "%s of stage '%s'", step->label, step->stage_name));
	return status == 0 ? NULL : script_failed(step, &output, status);
}

/* ---- %pre: before there is a root filesystem ---- */

/* With Apptainer the base is unpacked over what it left. */
static struct err *check_empty(const struct step *step, int root_fd)
{
	CLEANUP(dir_closep) DIR *root = dir_open(root_fd, ".", 0);
	const char *name = root ? dir_next(root) : NULL;

	if (!root)
		return err_sys("the root filesystem of %%pre");
	if (!name)
		return NULL;
	return err_hint(err_new(ERR_STEP,
				"%s of stage '%s' made '/%s' in the root filesystem, "
				"which is not there yet",
				step->label, step->stage_name, name),
			"make it in %%setup, which runs when the base is there");
}

static struct err *pre_run(const struct work *w, const struct step *step,
			   struct task *task, cJSON *record)
{
	CLEANUP(scratch_release) struct scratch scratch = SCRATCH_INIT;
	CLEANUP(freep) char *root = NULL;
	CLEANUP(closep) int root_fd = -1;

	(void)record;
	TRY(scratch_new(w->options.store, &scratch));
	root = path_join(scratch.path, "rootfs");
	TRY(fs_mkdirs(scratch.fd, "rootfs", 0755));
	TRY(run_script(w, step, task, &scratch, root));
	TRY(fs_open(AT_FDCWD, root, O_RDONLY | O_DIRECTORY, 0, &root_fd));
	return check_empty(step, root_fd);
}

const struct step_ops step_pre_ops = {.compose = host_compose, .run = pre_run};

/* ---- %setup ---- */

/* What the step left when it ran before on the same files, if that is still whole. */
static struct err *load_earlier(const struct work *w, const struct step *step,
				struct task *task, struct snapshot *out)
{
	CLEANUP(json_freep) cJSON *record = NULL;
	const struct store *s = w->options.store;

	TRY(record_load(s, &work_state(w, step->id)->key, &record));
	if (!record_has_ids(record, w->options.id_map) ||
	    !record_take_chain(record, out) || !snapshot_exists(s, out))
		return err_new(ERR_NOTFOUND, "there is nothing earlier");
	TRY(snapshot_check(s, out, cancel_stop(task_cancel(task))));
	for (size_t i = 0; i < out->len; i++)
		TRY(work_add_times(w, task, &out->layers[i]));
	return NULL;
}

/* If it left the same now, the layer from then is used again: a script that runs each
 * time does not fill the store. */
static void use_earlier(const struct work *w, const struct step *step, struct task *task,
			const struct scratch *scratch)
{
	CLEANUP(snapshot_release) struct snapshot earlier = SNAPSHOT_INIT;
	struct snapshot *now = &work_state(w, step->id)->snapshot;
	struct err *e = load_earlier(w, step, task, &earlier);
	struct digest then = snapshot_digest(&earlier), made = snapshot_digest(now);
	bool is_same = !e && digest_equal(&then, &made);

	err_ignore(e, "the new layer is as good");
	if (!is_same)
		return;
	layer_withdraw(w->options.store, &now->layers[now->len - 1], scratch->fd);
	snapshot_release(now);
	*now = earlier;
	earlier = (struct snapshot)SNAPSHOT_INIT;
}

static struct err *setup_run(const struct work *w, const struct step *step,
			     struct task *task, cJSON *record)
{
	CLEANUP(mounted_release) struct mounted m = MOUNTED_INIT;

	(void)record;
	TRY(mounted_open(w, work_parent(w, step), true, &m));
	TRY(run_script(w, step, task, &m.scratch, m.mount_point));
	TRY(mounted_close(&m));
	TRY(mounted_commit(w, step, task, &m, work_parent(w, step)));
	use_earlier(w, step, task, &m.scratch);
	return NULL;
}

const struct step_ops step_setup_ops = {.compose = host_compose, .run = setup_run};
