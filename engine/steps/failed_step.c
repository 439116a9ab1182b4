/* SPDX-License-Identifier: MIT
 * failed_step.c - see failed_step.h.
 *
 * The environment is kept as it was, values and all, in a file that only the user can
 * read: the shell must be where the script was.
 */
#include "engine/steps/failed_step.h"

#include <stdlib.h>

#include "base/fs.h"
#include "cache/failed.h"

static cJSON *text_array(const char *const *texts)
{
	cJSON *array = cJSON_CreateArray();

	for (; *texts; texts++)
		cJSON_AddItemToArray(array, cJSON_CreateString(*texts));
	return array;
}

static void add_text(cJSON *object, const char *name, const char *text)
{
	if (text)
		cJSON_AddStringToObject(object, name, text);
}

static void add_place(cJSON *about, struct place place)
{
	CLEANUP(freep) char *path = NULL;
	struct position at;
	struct err *e;

	if (!place.source)
		return;
	e = fs_absolute(source_name(place.source), &path);
	err_ignore(e, "the name as it was given will do");
	at = source_position(place.source, place.at);
	add_text(about, "file", path ? path : source_name(place.source));
	json_add_u64(about, "line", at.line);
	json_add_u64(about, "column", at.column);
}

static cJSON *describe(const struct work *w, const struct step *step,
		       const struct container_request *request,
		       const struct script_output *output, const struct err *reason,
		       int status)
{
	cJSON *about = cJSON_CreateObject();

	add_text(about, "step", step->name);
	add_text(about, "label", step->label);
	add_text(about, "stage", step->stage_name);
	add_place(about, step->where);
	json_add_u64(about, "status", (uint64_t)status);
	add_text(about, "reason", err_text(reason));
	add_text(about, "last_command", output->last_command);
	add_text(about, "log", output->log_path);
	add_text(about, "id_map", w->options.id_map);
	add_text(about, "folder", "/");
	add_text(about, "script", request->script);
	add_text(about, "security", security_name(request->security));
	cJSON_AddItemToObject(about, "argv", text_array(request->argv));
	cJSON_AddItemToObject(about, "environment", text_array(request->envp));
	return about;
}

static struct err *keep(const struct work *w, const struct step *step, struct mounted *m,
			cJSON *about, struct failed_kept *kept)
{
	TRY(overlay_finish_upper(m->upper));
	return failed_keep(w->options.store, &m->scratch, work_parent(w, step), about,
			   &w->options.keep, kept);
}

struct err *failed_step(const struct work *w, const struct step *step, struct mounted *m,
			const struct container_request *request,
			const struct script_output *output, int status)
{
	struct err *failure = script_failed(step, output, status);
	CLEANUP(freep) char *advice = script_advice(output);
	CLEANUP(json_freep) cJSON *about = NULL;
	struct failed_kept kept = {0};
	struct err *e;

	if (w->options.keep.count == 0)
		return failure;
	about = describe(w, step, request, output, err_cause(failure), status);
	e = keep(w, step, m, about, &kept);
	if (kept.is_kept) {
		err_ignore(e, "the next sweep tries again");
		return err_hint(
			failure,
			"%s\n'dagbuild shell --failed' opens a shell where it stopped",
			advice);
	}
	if (e)
		task_note(output->task, "its root filesystem cannot be kept: %s",
			  err_text(e));
	else
		task_note(output->task,
			  "its root filesystem is not kept: %llu MiB are more than the "
			  "limit of %llu MiB",
			  (unsigned long long)(kept.bytes >> 20),
			  (unsigned long long)(w->options.keep.bytes >> 20));
	err_ignore(e, "the step has failed anyway");
	return failure;
}
