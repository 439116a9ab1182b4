/* SPDX-License-Identifier: MIT
 * cmd_shell.c - `dagbuild shell`: a shell where a step failed, or after a cached one.
 *
 * As it was started it only looks: it finds what the user asks for, or gives the error,
 * without namespaces, network or a change to the store.  Then it goes inside, finds that
 * again, and opens the shell.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/shell/shell.h"
#include "frontend/cli/cmd.h"
#include "frontend/cli/failed_view.h"
#include "frontend/plan/target.h"
#include "frontend/project/fresh.h"
#include "frontend/project/load.h"
#include "frontend/ui/say.h"
#include "scheduler/sched.h"

struct shell_settings {
	struct fresh_options fresh; /* first: see cache_options.h */
	bool failed, list, json;
};

static struct err *set_failed(void *settings, const char *value)
{
	(void)value;
	((struct shell_settings *)settings)->failed = true;
	return NULL;
}

static struct err *set_list(void *settings, const char *value)
{
	(void)value;
	((struct shell_settings *)settings)->list = true;
	return NULL;
}

static struct err *set_json(void *settings, const char *value)
{
	(void)value;
	((struct shell_settings *)settings)->json = true;
	return NULL;
}

static const struct option_row rows[] = {
	{0, "failed", NULL,
	 "open the last failed step, the N-th last (--failed N), or a step by its name "
	 "(--failed NAME)",
	 set_failed, 0},
	{0, "list", NULL, "list the failed steps that are kept", set_list, 0},
	{0, "json", NULL, "with --list: print JSON", set_json, 0},
	CACHE_OPTION_ROW,
	{0, "ignore-lock", NULL, "resolve tags as if there were no FILE.lock",
	 fresh_set_ignore_lock, 0},
	SECURITY_ROW,
	LIBRARY_ROW,
	DEF_OPTION_ROWS,
	OPTIONS_HELP_ROW,
	{0},
};

/* ---- the command line ---- */

struct request {
	struct shell_settings settings;
	struct operands operands;
	struct shell_options shell;
	struct inside times;
	bool is_inside;
	int argc; /* all words, to go inside with */
	char **argv;
};

static void request_release(struct request *r)
{
	free((void *)r->operands.items);
	fresh_options_release(&r->settings.fresh);
	given_release(&r->times.given);
}

static struct err *check_operands(const struct request *r)
{
	size_t n = r->operands.len;

	if (r->settings.list)
		return n == 0 && !r->settings.failed && !r->shell.command[0]
			       ? NULL
			       : err_new(ERR_USAGE,
					 "'--list' takes no file, '--failed' or command");
	if (r->settings.json)
		return err_new(ERR_USAGE, "'--json' needs '--list'");
	if (r->settings.failed)
		return n <= 1 ? NULL
			      : err_hint(err_new(ERR_USAGE,
						 "'--failed' takes one number or name"),
					 "write a command after '--'");
	if (n == 1 || n == 2)
		return NULL;
	return err_hint(err_new(ERR_USAGE,
				"'shell' takes a definition file, and a stage or step"),
			"or give '--failed'; write a command after '--'");
}

/* The command is what comes after `--`, up to the end of argv, which ends with NULL. */
static struct err *read_request(int argc, char **argv, struct request *r)
{
	int n = 0;

	while (n < argc && strcmp(argv[n], "--") != 0)
		n++;
	r->argc = argc;
	r->argv = argv;
	r->shell.command = (const char *const *)argv + (n < argc ? n + 1 : argc);
	r->shell.tty = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	TRY(options_parse(rows, n, argv, &r->settings, &r->operands));
	r->shell.has_security = r->settings.fresh.has_security;
	r->shell.security = r->settings.fresh.security;
	return check_operands(r);
}

static struct err *open_store(const struct request *r, struct store **out)
{
	CLEANUP(freep) char *dir = NULL;

	TRY(store_default_dir(r->settings.fresh.net.def.cache.dir, &dir));
	TRY(store_open(dir, r->is_inside ? STORE_WRITE : STORE_READ, out));
	/* Layers that we look at stay as long as the shell runs. */
	return r->is_inside ? store_hold(*out) : NULL;
}

/* Only people are told where they are, not programs. */
static void greet(const struct request *r, struct buf *text)
{
	if (!r->shell.tty || r->shell.command[0])
		return;
	buf_puts(text, "changes that you make here are discarded\n");
	say(text);
}

/* ---- failed steps ---- */

static struct err *read_failed(const struct request *r, struct store **store,
			       struct failed_list *list)
{
	struct err *e = open_store(r, store);

	if (e && err_code(e) == ERR_NOTFOUND) {
		err_ignore(e, "nothing was built yet, so nothing has failed");
		return NULL;
	}
	TRY(e);
	return failed_list_read(*store, &failed_limits_default, list);
}

static struct err *list_failed(const struct request *r)
{
	CLEANUP(store_closep) struct store *store = NULL;
	CLEANUP(failed_list_release) struct failed_list list = FAILED_LIST_INIT;
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	TRY(read_failed(r, &store, &list));
	if (r->settings.json) {
		failed_view_json(&list, &text);
		return say_json(&text);
	}
	failed_view_text(&list, &text);
	return say_result(&text);
}

static void greet_failed(const struct request *r, const struct failed *f)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	failed_view_headline(f, &text);
	buf_putc(&text, '\n');
	if (json_string(f->about, "script"))
		buf_puts(&text, "its script is /.post.script; ");
	greet(r, &text);
}

/* Do the files of a failed root have our owners?  An older dagbuild noted a user's map
 * without the class before it: userns.h. */
static bool has_our_ids(const char *kept, const char *own)
{
	const char *map = strstr(own, ": ");

	return strcmp(kept, own) == 0 || (map && strcmp(kept, map + 2) == 0);
}

static struct err *open_failed(struct request *r, int *status)
{
	CLEANUP(store_closep) struct store *store = NULL;
	CLEANUP(failed_list_release) struct failed_list list = FAILED_LIST_INIT;
	const struct failed *f = NULL;
	const char *id_map;

	TRY(read_failed(r, &store, &list));
	TRY(failed_view_find(&list, r->operands.len > 0 ? r->operands.items[0] : NULL,
			     &f));
	id_map = json_string(f->about, "id_map");
	if (!id_map || !has_our_ids(id_map, r->times.id_map))
		return err_hint(err_new(ERR_UNSUPPORTED,
					"the failed step belongs to another user"),
				"its files were made with the id map '%s'",
				id_map ? id_map : "unknown");
	if (!r->is_inside)
		return inside_go(&r->times, "shell", r->argc, r->argv);
	greet_failed(r, f);
	return shell_on_failed(store, f, &r->shell, status);
}

/* ---- cached steps ---- */

/* Looking for a step in a plan. */
struct search {
	struct request *request;
	struct store *store;
	const struct plan *plan;
	struct target target;
	struct freshness freshness;
	struct exec *exec;
	struct node_id wanted;
	struct node_id nearest; /* the last hit of the stage up to the step */
	bool is_hit;
	const char *miss; /* why not: a literal, or NULL */
};

static void search_release(struct search *s)
{
	exec_freep(&s->exec);
	freshness_release(&s->freshness);
}

/* Of a stage: the last step that changes its root filesystem. */
static struct err *find_step(struct search *s)
{
	const struct plan_stage *stage = &s->plan->stages[s->target.stage];

	s->wanted = NODE_NONE;
	for (uint32_t i = stage->first; i < stage->first + stage->n_steps; i++) {
		const struct step *step = s->plan->steps[i];

		if (s->target.step ? strcmp(step_short_name(step), s->target.step) == 0
				   : step_makes_layer(step->kind))
			s->wanted = step->id;
	}
	return s->wanted.index == NODE_NONE.index ? target_no_step(&s->target, s->plan)
						  : NULL;
}

static void find_nearest(struct search *s, const struct sched_result *result)
{
	s->nearest = NODE_NONE;
	for (uint32_t i = s->plan->stages[s->target.stage].first; i < result->n; i++) {
		if (result->states[i] == NODE_CACHED)
			s->nearest = (struct node_id){i};
		if (i == s->wanted.index)
			break;
	}
	s->is_hit = result->n > 0 && result->states[s->wanted.index] == NODE_CACHED;
	s->miss = exec_miss_reason(s->exec, s->wanted);
}

/* Probe the whole plan: a step's key needs those of the steps before it. */
static struct err *probe(struct search *s)
{
	struct request *r = s->request;
	struct fresh_request fresh = {
		.options = &r->settings.fresh,
		.plan = s->plan,
		.file = r->operands.items[0],
		.since_ns = r->times.since,
		.given = &r->times.given,
		.is_quiet = true,
	};
	struct sched_result result = SCHED_RESULT_INIT;
	struct sched_options options = {.jobs = 1, .probe_only = true};
	struct exec_options exec_options = {
		.work =
			{
				.steps = s->plan->steps,
				.n_steps = s->plan->n_steps,
				.store = s->store,
				.id_map = r->times.id_map,
				.freshness = &s->freshness,
				.security = r->settings.fresh.security,
				.jobs = 1,
			},
	};
	struct executor executor;
	struct err *e;

	TRY(fresh_rules(&fresh, &s->freshness));
	TRY(exec_new(&exec_options, &s->exec));
	executor = exec_executor(s->exec);
	e = sched_run(s->plan->graph, &executor, &options, &result);
	if (!e || err_code(e) != ERR_CANCELLED) {
		err_ignore(e, "what cannot be probed is not there");
		e = NULL;
		find_nearest(s, &result);
	}
	sched_result_release(&result);
	return e;
}

static struct err *search(struct search *s, const char *target)
{
	TRY(target_find(target, s->plan->stages, s->plan->n_stages, &s->target));
	TRY(find_step(s));
	return probe(s);
}

static struct err *not_there(const struct search *s, const char *file)
{
	const struct step *step = s->plan->steps[s->wanted.index];
	struct err *e =
		err_new(ERR_NOTFOUND, "%s",
			s->miss ? s->miss : "an earlier step is not in the cache either");
	CLEANUP(buf_release) struct buf hint = BUF_INIT;

	e = err_wrap(e, "step '%s' is not in the cache", step->name);
	buf_printf(&hint, "'dagbuild run --target %s%s%s %s' builds it", step->stage_name,
		   s->target.step ? "." : "", s->target.step ? s->target.step : "", file);
	if (s->nearest.index != NODE_NONE.index)
		buf_printf(&hint,
			   "\n'dagbuild shell %s %s' opens a shell after the nearest "
			   "step in the cache",
			   file, s->plan->steps[s->nearest.index]->name);
	return err_hint(e, "%s", buf_text(&hint));
}

static void greet_step(const struct request *r, const struct step *step)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	buf_printf(&text, "after %s of stage '%s'; ", step->label, step->stage_name);
	greet(r, &text);
}

static struct err *open_step(struct request *r, const struct search *s, int *status)
{
	if (!s->is_hit)
		return not_there(s, r->operands.items[0]);
	if (!r->is_inside)
		return inside_go(&r->times, "shell", r->argc, r->argv);
	greet_step(r, s->plan->steps[s->wanted.index]);
	return shell_on_step(s->exec, s->wanted, &r->shell, status);
}

/* A stage may have been built for the image of the whole definition, or as its own image
 * with --target, which has another metadata step.  Either will do. */
static struct err *open_stage(struct request *r, int *status)
{
	CLEANUP(loaded_release) struct loaded loaded = LOADED_INIT;
	CLEANUP(plan_freep) struct plan *own = NULL;
	CLEANUP(store_closep) struct store *store = NULL;
	CLEANUP(search_release) struct search first = {.request = r};
	CLEANUP(search_release) struct search second = {.request = r};
	const char *target = r->operands.len > 1 ? r->operands.items[1] : NULL;
	/* What the host scripts left when they ran last will do. */
	struct plan_options all = {.all_stages = true, .pure_host_scripts = true};
	struct plan_options only = {.target = target, .pure_host_scripts = true};

	TRY(load_plan(r->operands.items[0], &r->settings.fresh.net.def, &all,
		      &r->times.given, &loaded, status));
	if (*status != 0)
		return NULL;
	TRY(err_hint(open_store(r, &store), "'dagbuild run %s' builds it",
		     r->operands.items[0]));
	first.store = second.store = store;
	first.plan = loaded.plan;
	TRY(search(&first, target));
	if (first.is_hit)
		return open_step(r, &first, status);
	only.library = def_library(&r->settings.fresh.net.def);
	TRY(plan_compile(loaded.def, &only, &own));
	second.plan = own;
	TRY(search(&second, target));
	return open_step(r, second.is_hit ? &second : &first, status);
}

/* ---- the command ---- */

static struct err *open_one(struct request *r, int *status)
{
	if (r->settings.list)
		return list_failed(r);
	if (!r->is_inside)
		TRY(inside_probe(&r->times));
	return r->settings.failed ? open_failed(r, status) : open_stage(r, status);
}

static struct err *shell_run(int argc, char **argv, int *status)
{
	CLEANUP(request_release) struct request r = {.times = inside_now()};

	TRY(read_request(argc, argv, &r));
	return open_one(&r, status);
}

static struct err *shell_inside(const struct inside *in, int argc, char **argv,
				int *status)
{
	CLEANUP(request_release) struct request r = {.times = *in, .is_inside = true};

	TRY(read_request(argc, argv, &r));
	return open_one(&r, status);
}

const struct cmd cmd_shell = {
	.name = "shell",
	.operands = "FILE [STAGE[.STEP]]",
	.summary = "Open a shell (or run the command after '--') in a stage, or where a "
		   "step failed",
	.options = rows,
	.run = shell_run,
	.run_inside = shell_inside,
};
