/* SPDX-License-Identifier: MIT
 * step_copy.c - `%files`, from a stage and from the host.
 *
 * Both are keyed on the content of what they copy, not on how it came about: when a
 * producer is rebuilt to the same files, its consumer is a hit (early cutoff).  What a
 * producer's root filesystem gives for a list of sources is remembered, so that a run in
 * which nothing has changed mounts and reads nothing.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "cache/record.h"
#include "engine/steps/steps.h"
#include "engine/work/mounted.h"
#include "engine/tree/tree_copy.h"

static void add_items(struct key *key, const struct step_files *files)
{
	CLEANUP(freep) const char **texts = xcalloc(2 * files->n_items, sizeof(*texts));

	for (size_t i = 0; i < files->n_items; i++) {
		texts[2 * i] = files->items[i].source;
		texts[2 * i + 1] = files->items[i].target;
	}
	key_set_list(key, "list", texts, 2 * files->n_items);
}

static void on_read(void *context, uint64_t done)
{
	task_progress(context, "copying", done, 0);
}

static struct copy_request request_of(const struct work *w, const struct step *step,
				      struct task *task, int source_fd)
{
	bool from_host = step->kind == STEP_FILES;

	return (struct copy_request){
		.source_fd = source_fd,
		.items = step->files.items,
		.n_items = step->files.n_items,
		.rules =
			{
				.from = from_host ? COPY_FROM_HOST : COPY_FROM_STAGE,
				/* The image's times are those of the copied files,
				 * clamped. */
				.times_count = w->epoch_set,
				.clamp_s = w->epoch_s,
			},
		.files =
			{
				.cancel = task ? task_cancel(task) : NULL,
				.max_file = w->options.max_file,
				.memo = from_host ? stat_memo_table(w->memo)
						  : (struct content_memo){0},
				.progress = task ? on_read : NULL,
				.context = task,
			},
		.helpers = from_host && task ? task_shares(task) : (struct parallel){0},
	};
}

/* `why` needs to know which files they are. */
static void want_list(const struct work *w, struct copy_request *request,
		      struct tree_list *out)
{
	tree_list_release(out);
	out->secret = store_secret(w->options.store);
	request->rules.list = out;
}

/* Copy into a new layer.  The key gets what was really copied, so that a file that
 * changed since the probe is recorded as it was when it was read. */
static struct err *copy_into_layer(const struct work *w, const struct step *step,
				   struct task *task, int source_fd)
{
	CLEANUP(mounted_release) struct mounted m = MOUNTED_INIT;
	struct step_state *state = work_state(w, step->id);
	struct copy_request request = request_of(w, step, task, source_fd);
	struct digest copied;

	want_list(w, &request, &state->list);
	TRY(mounted_open(w, work_parent(w, step), true, &m));
	TRY(tree_copy(&request, m.root_fd, &copied));
	TRY(mounted_close(&m));
	if (step->kind == STEP_COPY)
		TRY(mounted_check_read(w, task,
				       &work_state(w, step->producer)->snapshot));
	key_set_digest(state->inputs, "content", &copied);
	state->key = key_final(state->inputs);
	return mounted_commit(w, step, task, &m, work_parent(w, step));
}

/* ---- from a stage ---- */

static struct digest memo_key(const struct work *w, const struct step *step)
{
	CLEANUP(key_freep) struct key *key = key_new("copied content");
	struct digest producer =
		snapshot_digest(&work_state(w, step->producer)->snapshot);

	key_set_digest(key, "producer", &producer);
	if (w->epoch_set)
		key_set_u64(key, "SOURCE_DATE_EPOCH", (uint64_t)w->epoch_s);
	add_items(key, &step->files);
	return key_final(key);
}

static bool load_memo(const struct work *w, const struct digest *key, struct digest *out)
{
	CLEANUP(json_freep) cJSON *record = NULL;
	struct err *e = record_load(w->options.store, key, &record);
	const char *text = e ? NULL : json_string(record, "digest");

	err_ignore(e, "not looked at before");
	return text && digest_parse(str_of(text), out);
}

static struct err *save_memo(const struct work *w, const struct digest *key,
			     const struct digest *digest)
{
	CLEANUP(json_freep) cJSON *record = cJSON_CreateObject();
	char text[DIGEST_TEXT_SIZE];

	cJSON_AddStringToObject(record, "kind", "copied content");
	cJSON_AddStringToObject(record, "digest", digest_format(digest, text));
	return record_save_memo(w->options.store, key, record);
}

static bool keeps_tmp(const struct work *w, const struct step *copy)
{
	for (size_t i = 0; i < w->options.n_steps; i++) {
		const struct step *step = w->options.steps[i];

		if (step->kind == STEP_POST && step->script.keep_tmp &&
		    strcmp(step->stage_name, copy->files.from_stage) == 0)
			return true;
	}
	return false;
}

/* Was the missing file in a folder whose new files are dropped? */
static struct err *hint_dropped(const struct work *w, const struct step *step,
				struct err *e)
{
	for (size_t i = 0; e && err_code(e) == ERR_NOTFOUND && i < step->files.n_items;
	     i++) {
		const char *source = step->files.items[i].source;

		if ((strncmp(source, "/tmp/", 5) == 0 ||
		     strncmp(source, "/var/tmp/", 9) == 0) &&
		    strstr(err_text(e), source) && !keeps_tmp(w, step))
			return err_hint(e, "what %%post makes in /tmp and /var/tmp is "
					   "dropped when it ends: make it in another "
					   "folder, such as /opt, or give --keep-tmp");
	}
	return e;
}

static struct err *digest_producer(const struct work *w, const struct step *step,
				   struct task *task, struct digest *out)
{
	CLEANUP(mounted_release) struct mounted m = MOUNTED_INIT;
	const struct snapshot *producer = &work_state(w, step->producer)->snapshot;
	struct copy_request request;

	TRY(mounted_open(w, producer, false, &m));
	request = request_of(w, step, task, m.root_fd);
	TRY(hint_dropped(w, step, tree_copy_digest(&request, out)));
	return mounted_check_read(w, task, producer);
}

static struct err *copy_compose(const struct work *w, const struct step *step,
				struct task *task, bool *known)
{
	struct step_state *state = work_state(w, step->id);
	struct digest memo;

	add_items(state->inputs, &step->files);
	if (!work_state(w, step->producer)->is_done) {
		*known = false;
		return NULL;
	}
	memo = memo_key(w, step);
	if (!load_memo(w, &memo, &state->source)) {
		state->miss = MISS_NOT_LOOKED_AT;
		*known = w->options.purpose == WORK_BUILD;
		if (!*known)
			return NULL;
		TRY(digest_producer(w, step, task, &state->source));
		err_ignore(save_memo(w, &memo, &state->source),
			   "it is read again next time");
	}
	key_set_digest(state->inputs, "content", &state->source);
	return NULL;
}

static struct err *copy_run(const struct work *w, const struct step *step,
			    struct task *task, cJSON *record)
{
	CLEANUP(mounted_release) struct mounted source = MOUNTED_INIT;

	(void)record;
	TRY(mounted_open(w, &work_state(w, step->producer)->snapshot, false, &source));
	return copy_into_layer(w, step, task, source.root_fd);
}

const struct step_ops step_copy_ops = {.compose = copy_compose, .run = copy_run};

/* ---- from the host ---- */

static struct err *open_host(int *fd)
{
	return fs_open(AT_FDCWD, ".", O_PATH | O_DIRECTORY, 0, fd);
}

static struct err *files_compose(const struct work *w, const struct step *step,
				 struct task *task, bool *known)
{
	CLEANUP(closep) int host = -1;
	struct step_state *state = work_state(w, step->id);
	struct copy_request request;

	add_items(state->inputs, &step->files);
	/* Only when looking: what is there now may not be what it copies. */
	if (step->host_script.index != NODE_NONE.index &&
	    !work_state(w, step->host_script)->is_done) {
		*known = false;
		return NULL;
	}
	TRY(open_host(&host));
	request = request_of(w, step, task, host);
	TRY(tree_copy_digest(&request, &state->source));
	key_set_digest(state->inputs, "content", &state->source);
	return NULL;
}

static struct err *files_list(const struct work *w, const struct step *step,
			      struct tree_list *out)
{
	CLEANUP(closep) int host = -1;
	struct copy_request request;
	struct digest again;

	TRY(open_host(&host));
	request = request_of(w, step, NULL, host);
	want_list(w, &request, out);
	return tree_copy_digest(&request, &again);
}

static struct err *files_run(const struct work *w, const struct step *step,
			     struct task *task, cJSON *record)
{
	CLEANUP(closep) int host = -1;

	(void)record;
	TRY(open_host(&host));
	return copy_into_layer(w, step, task, host);
}

const struct step_ops step_files_ops = {
	.compose = files_compose,
	.run = files_run,
	.list = files_list,
};
