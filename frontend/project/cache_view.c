/* SPDX-License-Identifier: MIT
 * cache_view.c - see cache_view.h.
 */
#include "frontend/project/cache_view.h"

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

static void describe_ids(struct cache_view *v)
{
	struct userns_plan userns;
	struct err *e = userns_probe(&userns);

	snprintf(v->id_map, sizeof(v->id_map), "none");
	if (!e)
		userns_describe(&userns, v->id_map, sizeof(v->id_map));
	err_ignore(e, "looking needs no namespaces");
}

static struct err *probe_all(const struct cache_view_request *request,
			     struct cache_view *v)
{
	struct exec_options exec_options = {
		.work =
			{
				.steps = request->plan->steps,
				.n_steps = request->plan->n_steps,
				.store = v->store,
				.id_map = v->id_map,
				.freshness = request->freshness,
				.security = request->security,
				.purpose = WORK_LOOK,
				.jobs = 1,
				.output = v->image,
			},
		.definition = v->definition,
	};
	struct sched_options options = {
		.jobs = 1, .probe_only = true, .past_misses = true};
	struct sched_result result = SCHED_RESULT_INIT;
	struct executor executor;
	struct err *e;

	TRY(exec_new(&exec_options, &v->exec));
	executor = exec_executor(v->exec);
	e = sched_run(request->plan->graph, &executor, &options, &result);
	sched_result_release(&result);
	if (e && err_code(e) == ERR_CANCELLED)
		return e;
	err_ignore(e, "what cannot be probed is unknown; `run` says why");
	v->all = why_all(v->exec, &request->why);
	return NULL;
}

/* Where `run` would write the image; NULL when there is no such place. */
static void find_image(const struct cache_view_request *request, struct cache_view *v)
{
	CLEANUP(freep) char *name = NULL;
	struct err *e =
		load_image_path(request->file, request->plan, request->options, &name);

	if (!e && name)
		e = output_follow(name, &v->image);
	err_ignore(e, "`run` says what is wrong");
}

struct err *cache_view_open(const struct cache_view_request *request,
			    struct cache_view *out)
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

void cache_view_release(struct cache_view *v)
{
	why_free(v->all, v->n);
	exec_freep(&v->exec);
	store_closep(&v->store);
	free(v->image);
	free(v->definition);
}
