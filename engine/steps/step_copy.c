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
#include "engine/work/copies.h"
#include "engine/work/mounted.h"

/* ---- from a stage ---- */

static struct digest memo_key(const struct work *w, const struct step *step)
{
	CLEANUP(key_freep) struct key *key = key_new("copied content");
	struct digest producer =
		snapshot_digest(&work_state(w, step->producer)->snapshot);

	key_set_digest(key, "producer", &producer);
	if (w->epoch_set)
		key_set_u64(key, "SOURCE_DATE_EPOCH", (uint64_t)w->epoch_s);
	copies_add_list(key, &step->files);
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
	request = copies_request(w, &step->files, task, COPY_FROM_STAGE, m.root_fd);
	TRY(hint_dropped(w, step, tree_copy_digest(&request, out)));
	return mounted_check_read(w, task, producer);
}

static struct err *copy_compose(const struct work *w, const struct step *step,
				struct task *task, bool *known)
{
	struct step_state *state = work_state(w, step->id);
	struct digest memo;

	copies_add_list(state->inputs, &step->files);
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
	CLEANUP(mounted_release) struct mounted m = MOUNTED_INIT;
	const struct snapshot *producer = &work_state(w, step->producer)->snapshot;
	struct copy_request request;

	(void)record;
	TRY(mounted_open(w, producer, false, &source));
	TRY(mounted_open(w, work_parent(w, step), true, &m));
	request = copies_request(w, &step->files, task, COPY_FROM_STAGE, source.root_fd);
	TRY(copies_write(w, step, &request, m.root_fd));
	TRY(mounted_close(&m));
	TRY(mounted_check_read(w, task, producer));
	return mounted_commit(w, step, task, &m, work_parent(w, step));
}

const struct step_ops step_copy_ops = {.compose = copy_compose, .run = copy_run};

/* ---- from the host ---- */

static struct err *files_run(const struct work *w, const struct step *step,
			     struct task *task, cJSON *record)
{
	CLEANUP(mounted_release) struct mounted m = MOUNTED_INIT;

	(void)record;
	TRY(mounted_open(w, work_parent(w, step), true, &m));
	TRY(copies_write_host(w, step, task, m.root_fd));
	TRY(mounted_close(&m));
	return mounted_commit(w, step, task, &m, work_parent(w, step));
}

const struct step_ops step_files_ops = {
	.compose = copies_compose_host,
	.run = files_run,
	.list = copies_list_host,
};
