/* SPDX-License-Identifier: MIT
 * step_meta.c - help, labels, environment, scripts and the definition, into a new layer.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "engine/steps/steps.h"
#include "engine/work/mounted.h"
#include "engine/meta/sections.h"

static void set_text(struct key *key, const char *name, const struct section_text *text)
{
	const char *parts[] = {text->body ? text->args : NULL, text->body};

	key_set_list(key, name, parts, ARRAY_LEN(parts));
}

static void set_labels(struct key *key, const char *name,
		       const struct section_labels *labels)
{
	CLEANUP(freep) const char **texts = xcalloc(2 * labels->len, sizeof(*texts));

	for (size_t i = 0; i < labels->len; i++) {
		texts[2 * i] = labels->items[i].name;
		texts[2 * i + 1] = labels->items[i].value;
	}
	key_set_list(key, name, texts, 2 * labels->len);
}

/* The build date is not an input, except with SOURCE_DATE_EPOCH: otherwise any date will
 * do. */
static struct err *meta_compose(const struct work *w, const struct step *step,
				struct task *task, bool *known)
{
	struct key *inputs = work_state(w, step->id)->inputs;
	const struct sections *m = step->meta;

	(void)task;
	(void)known;
	key_set_text(inputs, "definition", m->definition);
	set_text(inputs, "help", &m->help);
	set_text(inputs, "environment", &m->environment);
	set_text(inputs, "runscript", &m->runscript);
	set_text(inputs, "startscript", &m->startscript);
	set_text(inputs, "test", &m->test);
	set_labels(inputs, "labels", &m->labels);
	set_labels(inputs, "headers", &m->headers);
	key_set_text(inputs, "version", DAGBUILD_VERSION);
	if (w->epoch_set)
		key_set_u64(inputs, "SOURCE_DATE_EPOCH", (uint64_t)w->epoch_s);
	return NULL;
}

static void on_note(void *context, const char *text)
{
	task_note(context, "%s", text);
}

static struct err *meta_run(const struct work *w, const struct step *step,
			    struct task *task, cJSON *record)
{
	CLEANUP(mounted_release) struct mounted m = MOUNTED_INIT;
	struct sections_request request = {
		.meta = step->meta,
		.arch = w->platform.architecture,
		.time_s = w->epoch_set ? w->epoch_s : clock_real_ns() / 1000000000,
		.utc = w->epoch_set,
		.note = on_note,
		.context = task,
	};

	TRY(mounted_open(w, work_parent(w, step), true, &m));
	TRY(sections_write(m.root_fd, &request));
	TRY(mounted_close(&m));
	json_add_u64(record, "time_s", (uint64_t)request.time_s);
	return mounted_commit(w, step, task, &m, work_parent(w, step));
}

const struct step_ops step_meta_ops = {.compose = meta_compose, .run = meta_run};
