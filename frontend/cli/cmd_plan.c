/* SPDX-License-Identifier: MIT
 * cmd_plan.c - `dagbuild plan`: the graph, and what of it is in the cache.
 *
 * It reads and changes nothing: it opens the store for reading if there is one, asks no
 * registry (a tag's digest is the one last resolved), and enters no namespace.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "frontend/cli/cmd.h"
#include "frontend/export/export.h"
#include "frontend/project/fresh.h"
#include "frontend/project/load.h"
#include "frontend/project/cache_view.h"

struct plan_settings {
	struct fresh_options fresh; /* first: see cache_options.h */
	const char *format;
};

static void plan_settings_release(struct plan_settings *s)
{
	fresh_options_release(&s->fresh);
}

static struct err *set_format(void *settings, const char *value)
{
	if (!export_find(value))
		return err_new(ERR_USAGE, "'%s' is not one of tree, dot, mermaid, json",
			       value);
	((struct plan_settings *)settings)->format = value;
	return NULL;
}

static struct err *set_dot(void *settings, const char *value)
{
	(void)value;
	((struct plan_settings *)settings)->format = "dot";
	return NULL;
}

static const struct option_row rows[] = {
	{0, "format", "KIND", "tree, dot, mermaid or json (default: tree)", set_format,
	 0},
	{0, "dot", NULL, "the same as --format dot", set_dot, 0},
	CACHE_OPTION_ROW,
	PLAN_OPTION_ROWS,
	FRESH_PLAN_ROWS,
	HOST_SCRIPTS_ROW,
	LIBRARY_ROW,
	DEF_OPTION_ROWS,
	OPTIONS_HELP_ROW,
	{0},
};

/* What is in the cache, for the writers. */
static struct export_status status_of(const struct cache_view *view, uint32_t node,
				      char **text)
{
	const struct why *why = &view->all[node];
	static const enum export_status_kind kinds[] = {
		[WHY_HIT] = EXPORT_HIT,
		[WHY_MISS] = EXPORT_MISS,
		[WHY_UNKNOWN] = EXPORT_UNKNOWN,
		[WHY_OPEN] = EXPORT_OPEN,
	};
	TABLE_HAS_ALL(kinds, WHY_STATUSES);
	struct export_status status = {
		.kind = kinds[why->status],
		.has_expected = why->has_expected && why->status != WHY_HIT,
		.expected_ms = why->expected_ms,
	};

	*text = why_brief(view->exec, (struct node_id){node}, why);
	status.reason = *text;
	return status;
}

/* For free(); `texts` holds the texts that they refer to. */
static struct export_status *statuses_of(const struct plan *plan,
					 const struct cache_view *view, char **texts)
{
	struct export_status *statuses = xcalloc(plan->n_steps, sizeof(*statuses));

	for (uint32_t i = 0; i < plan->n_steps; i++)
		statuses[i] = status_of(view, i, &texts[i]);
	return statuses;
}

static struct err *write_plan(const struct plan *plan,
			      const struct plan_settings *settings,
			      const struct cache_view *view)
{
	CLEANUP(freep) char **texts = xcalloc(plan->n_steps, sizeof(*texts));
	CLEANUP(freep) struct export_status *statuses = NULL;
	struct export_state state = {.colour = isatty(STDOUT_FILENO) &&
					       !getenv("NO_COLOR")};
	struct err *e;

	if (view->store) {
		statuses = statuses_of(plan, view, texts);
		state.statuses = statuses;
		state.expected_ms =
			why_expected(plan->graph, view->all, &state.n_unexpected);
	}
	e = export_find(settings->format)->write(plan, &state, STDOUT_FILENO);
	for (size_t i = 0; i < plan->n_steps; i++)
		free(texts[i]);
	return e;
}

static struct err *plan_run(int argc, char **argv, int *status)
{
	CLEANUP(loaded_release) struct loaded loaded = LOADED_INIT;
	CLEANUP(freep) const char **files = NULL;
	CLEANUP(cache_view_release) struct cache_view view = CACHE_VIEW_INIT;
	CLEANUP(plan_settings_release) struct plan_settings settings = {.format = "tree"};
	CLEANUP(freshness_release) struct freshness freshness = FRESHNESS_INIT;
	struct fresh_request fresh = {.options = &settings.fresh,
				      .since_ns = clock_real_ns()};
	struct operands operands = {0};
	struct err *e = options_parse(rows, argc, argv, &settings, &operands);
	struct cache_view_request request = {
		.cache_dir = settings.fresh.net.def.cache.dir,
		.freshness = &freshness,
		.options = &settings.fresh.net.def.plan,
	};

	files = operands.items;
	TRY(e);
	TRY(fresh_options_check(&settings.fresh));
	if (operands.len != 1)
		return err_new(ERR_USAGE, "'plan' takes one definition file");
	TRY(load_plan(files[0], &settings.fresh.net.def, &settings.fresh.net.def.plan,
		      NULL, &loaded, status));
	if (*status != 0)
		return NULL;
	request.file = fresh.file = files[0];
	request.plan = fresh.plan = loaded.plan;
	TRY(fresh_rules(&fresh, &freshness));
	request.security = settings.fresh.security;
	TRY(cache_view_open(&request, &view));
	return write_plan(loaded.plan, &settings, &view);
}

const struct cmd cmd_plan = {
	.name = "plan",
	.operands = "FILE",
	.summary = "Show the graph of steps, and which are in the cache",
	.options = rows,
	.run = plan_run,
};
