/* SPDX-License-Identifier: MIT
 * cmd_plan.c - `dagbuild plan`: the graph, and what of it is in the cache.
 *
 * It reads and changes nothing: the store is opened for reading if there is one, no
 * registry is asked (a tag's digest is the one last resolved), and no namespace is
 * entered.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "engine/exec.h"
#include "engine/run/userns.h"
#include "frontend/cli/cmd.h"
#include "frontend/cli/fresh.h"
#include "frontend/cli/load.h"
#include "frontend/export/export.h"
#include "scheduler/sched.h"

struct settings {
	/* `def` is its beginning: their options find it there. */
	union {
		struct def_options def;
		struct fresh_options fresh;
	};
	const char *format;
	const char *cache_dir;
};

static void settings_release(struct settings *s)
{
	fresh_options_release(&s->fresh);
}

static struct err *set_format(void *settings, const char *value)
{
	if (!export_find(value))
		return err_new(ERR_USAGE, "'%s' is none of tree, dot, mermaid, json",
			       value);
	((struct settings *)settings)->format = value;
	return NULL;
}

static struct err *set_dot(void *settings, const char *value)
{
	(void)value;
	((struct settings *)settings)->format = "dot";
	return NULL;
}

static struct err *set_cache_dir(void *settings, const char *value)
{
	((struct settings *)settings)->cache_dir = value;
	return NULL;
}

static const struct option_row rows[] = {
	{0, "format", "KIND", "tree, dot, mermaid or json (default: tree)", set_format},
	{0, "dot", NULL, "the same as --format dot", set_dot},
	{0, "cache-dir", "DIR",
	 "the cache (default: $DAGBUILD_CACHEDIR, ~/.cache/dagbuild)", set_cache_dir},
	PLAN_OPTION_ROWS,
	FRESH_PLAN_ROWS,
	DEF_OPTION_ROWS,
	CMD_HELP_ROW,
	{0},
};

/* Open the store for reading; NULL when there is none, and then nothing is in it. */
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

static struct err *probe_all(const struct plan *plan,
			     const struct exec_options *exec_options,
			     struct export_status **out)
{
	struct export_status *statuses = xcalloc(plan->n_steps, sizeof(*statuses));
	CLEANUP(exec_freep) struct exec *exec = NULL;
	struct sched_result result = SCHED_RESULT_INIT;
	struct sched_options options = {.jobs = 1, .probe_only = true};
	struct executor executor;

	*out = statuses;
	TRY(exec_new(exec_options, &exec));
	executor = exec_executor(exec);
	err_ignore(sched_run(plan->graph, &executor, &options, &result),
		   "what cannot be probed is unknown; `run` says why");
	for (size_t i = 0; i < result.n; i++) {
		if (result.states[i] == NODE_CACHED)
			statuses[i].kind = EXPORT_HIT;
		if (result.states[i] != NODE_MISSED)
			continue;
		statuses[i].kind = EXPORT_MISS;
		statuses[i].reason =
			exec_miss_reason(exec, (struct node_id){(uint32_t)i});
	}
	sched_result_release(&result);
	return NULL;
}

/* `*out` stays NULL when nothing can be known. */
static struct err *find_statuses(const struct plan *plan, const char *file,
				 const struct settings *settings,
				 const struct freshness *freshness,
				 struct export_status **out)
{
	CLEANUP(store_closep) struct store *store = NULL;
	CLEANUP(freep) char *image = NULL;
	struct userns_plan userns;
	char id_map[256] = "none";
	struct exec_options options = {
		.steps = plan->steps,
		.n_steps = plan->n_steps,
		.freshness = freshness,
		.jobs = 1,
	};
	struct err *e = userns_probe(&userns);

	if (!e)
		userns_describe(&userns, id_map, sizeof(id_map));
	err_ignore(e, "planning needs no namespaces");
	TRY(open_store(settings->cache_dir, &store));
	if (!store)
		return NULL;
	TRY(load_image_path(file, NULL, &image));
	options.store = store;
	options.id_map = id_map;
	options.output = image;
	return probe_all(plan, &options, out);
}

static struct err *plan_run(int argc, char **argv, int *status)
{
	CLEANUP(loaded_release) struct loaded loaded = LOADED_INIT;
	CLEANUP(freep) const char **files = NULL;
	CLEANUP(freep) struct export_status *statuses = NULL;
	CLEANUP(settings_release) struct settings settings = {.format = "tree"};
	CLEANUP(freshness_release) struct freshness freshness = FRESHNESS_INIT;
	struct fresh_request fresh = {.options = &settings.fresh,
				      .since_ns = clock_real_ns()};
	struct operands operands = {0};
	struct err *e = options_parse(rows, argc, argv, &settings, &operands);
	struct export_state state = {0};

	files = operands.items;
	TRY(e);
	TRY(fresh_options_check(&settings.fresh));
	if (operands.len != 1)
		return err_new(ERR_USAGE, "'plan' takes one definition file");
	TRY(load_plan(files[0], &settings.def, &settings.def.plan, &loaded, status));
	if (*status != 0)
		return NULL;
	fresh.plan = loaded.plan;
	fresh.file = files[0];
	TRY(fresh_rules(&fresh, &freshness));
	TRY(find_statuses(loaded.plan, files[0], &settings, &freshness, &statuses));
	state.statuses = statuses;
	state.colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	return export_find(settings.format)->write(loaded.plan, &state, STDOUT_FILENO);
}

const struct cmd cmd_plan = {
	.name = "plan",
	.operands = "FILE",
	.summary = "Show the graph, and what of it is in the cache",
	.options = rows,
	.run = plan_run,
};
