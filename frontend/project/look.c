/* SPDX-License-Identifier: MIT
 * look.c - see look.h.
 */
#include "frontend/project/look.h"

#include <stdlib.h>

#include "base/fs.h"
#include "base/output.h"
#include "engine/run/userns.h"
#include "frontend/project/load.h"
#include "frontend/project/older_note.h"
#include "scheduler/sched.h"

static struct err *open_store(const char *explicit_dir, struct store **out)
{
	CLEANUP(freep) char *dir = NULL;
	struct err *e;

	TRY(store_default_dir(explicit_dir, &dir));
	e = store_open(dir, STORE_READ, out);
	if (e && err_code(e) == ERR_NOTFOUND) {
		err_ignore(e, "nothing was built yet");
		return NULL;
	}
	return e;
}

static void describe_ids(struct look *l)
{
	struct userns_plan userns;
	struct err *e = userns_probe(&userns);

	snprintf(l->id_map, sizeof(l->id_map), "none");
	if (!e)
		userns_describe(&userns, l->id_map, sizeof(l->id_map));
	err_ignore(e, "looking needs no namespaces");
}

static struct err *probe_all(const struct look_request *request, struct look *l)
{
	struct exec_options exec_options = {
		.work =
			{
				.steps = request->plan->steps,
				.n_steps = request->plan->n_steps,
				.store = l->store,
				.id_map = l->id_map,
				.freshness = request->freshness,
				.security = request->security,
				.purpose = WORK_LOOK,
				.jobs = 1,
				.output = l->image,
			},
		.definition = l->definition,
	};
	struct sched_options options = {
		.jobs = 1, .probe_only = true, .past_misses = true};
	struct sched_result result = SCHED_RESULT_INIT;
	struct executor executor;
	struct err *e;

	TRY(exec_new(&exec_options, &l->exec));
	executor = exec_executor(l->exec);
	e = sched_run(request->plan->graph, &executor, &options, &result);
	sched_result_release(&result);
	if (e && err_code(e) == ERR_CANCELLED)
		return e;
	err_ignore(e, "what cannot be probed is unknown; `run` says why");
	l->all = why_all(l->exec, &request->why);
	return NULL;
}

/* Where `run` would write it; NULL when there is no such place. */
static void find_image(const struct look_request *request, struct look *l)
{
	CLEANUP(freep) char *name = NULL;
	struct err *e =
		load_image_path(request->file, request->plan, request->options, &name);

	if (!e && name)
		e = output_follow(name, &l->image);
	err_ignore(e, "`run` says what is wrong");
}

struct err *look_at_cache(const struct look_request *request, struct look *out)
{
	out->n = request->plan->n_steps;
	describe_ids(out);
	TRY(open_store(request->cache_dir, &out->store));
	if (!out->store)
		return NULL;
	older_note_tell(out->store);
	find_image(request, out);
	TRY(fs_absolute(request->file, &out->definition));
	return probe_all(request, out);
}

void look_release(struct look *l)
{
	why_free(l->all, l->n);
	exec_freep(&l->exec);
	store_closep(&l->store);
	free(l->image);
	free(l->definition);
}
