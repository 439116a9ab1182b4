/* SPDX-License-Identifier: MIT
 * cmd_why.c - `dagbuild why`: why a step is going to be built, or why not.
 *
 * Like `plan` it changes nothing, and asks no registry.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "engine/executor/key_parts.h"
#include "frontend/cli/cmd.h"
#include "frontend/plan/target.h"
#include "frontend/project/fresh.h"
#include "frontend/project/load.h"
#include "frontend/project/cache_view.h"
#include "frontend/ui/say.h"

struct why_settings {
	struct fresh_options fresh; /* first: see cache_options.h */
	bool list_inputs, json;
};

static void why_settings_release(struct why_settings *s)
{
	fresh_options_release(&s->fresh);
}

static struct err *set_list_inputs(void *settings, const char *value)
{
	(void)value;
	((struct why_settings *)settings)->list_inputs = true;
	return NULL;
}

static struct err *set_json(void *settings, const char *value)
{
	(void)value;
	((struct why_settings *)settings)->json = true;
	return NULL;
}

static const struct option_row rows[] = {
	CACHE_OPTION_ROW,
	{0, "json", NULL, "print JSON", set_json, 0},
	{0, "list-inputs", NULL, "without FILE: list the inputs of each kind of step",
	 set_list_inputs, 0},
	FRESH_PLAN_ROWS,
	HOST_SCRIPTS_ROW,
	LIBRARY_ROW,
	DEF_OPTION_ROWS,
	OPTIONS_HELP_ROW,
	{0},
};

static void put_json(struct buf *out, const char *text)
{
	if (text)
		buf_json_string(out, text, strlen(text));
	else
		buf_puts(out, "null");
}

/* ---- --list-inputs ---- */

static void put_kinds(struct buf *out, const struct key_part *part, const char *quote)
{
	const char *comma = "";

	for (unsigned kind = 0; kind < STEP_KINDS; kind++) {
		if (!key_part_is_of(part, kind))
			continue;
		buf_printf(out, "%s%s%s%s", comma, quote, step_kind_name(kind), quote);
		comma = ", ";
	}
}

static void list_inputs(bool json, struct buf *out)
{
	buf_puts(out, json ? "{\"version\": 1, \"inputs\": [" : "");
	for (size_t i = 0; i < key_parts_len; i++) {
		const struct key_part *part = &key_parts_table[i];

		if (!json) {
			buf_printf(out, "%-22s", part->name);
			put_kinds(out, part, "");
			buf_printf(out, "\n%22s%s\n", "", part->what);
			continue;
		}
		buf_puts(out, i > 0 ? ",\n{\"name\": " : "\n{\"name\": ");
		put_json(out, part->name);
		buf_puts(out, ", \"steps\": [");
		put_kinds(out, part, "\"");
		buf_printf(out, "], \"optional\": %s, \"what\": ",
			   part->is_optional ? "true" : "false");
		put_json(out, part->what);
		buf_putc(out, '}');
	}
	buf_puts(out, json ? "\n]}\n" : "");
}

/* ---- which steps ---- */

struct answer {
	const struct plan *plan;
	const struct cache_view *view;
	const char *only; /* the only step that was asked for; NULL: all */
	size_t stage;	  /* SIZE_MAX: all */
	struct buf out;
	size_t shown;
	bool was_long; /* the step before took more than a line */
};

static bool is_asked_for(const struct answer *a, const struct step *step)
{
	if (a->only)
		return strcmp(step->name, a->only) == 0;
	return a->stage == SIZE_MAX || step->stage == a->stage;
}

static struct err *find_asked_for(const char *text, struct answer *a)
{
	struct target target;

	a->stage = SIZE_MAX;
	if (!text)
		return NULL;
	/* "final.pack" is a step, though not a target. */
	for (size_t i = 0; i < a->plan->n_steps; i++)
		if (strcmp(a->plan->steps[i]->name, text) == 0)
			a->only = text;
	if (a->only)
		return NULL;
	TRY(target_find(text, a->plan->stages, a->plan->n_stages, &target));
	if (target.step)
		return target_no_step(&target, a->plan);
	a->stage = target.stage;
	return NULL;
}

/* ---- in plain words ---- */

static void put_date(struct buf *out, uint64_t ms)
{
	time_t when = (time_t)(ms / 1000);
	struct tm tm = {0};
	char text[32];

	localtime_r(&when, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &tm);
	buf_puts(out, text);
}

static void put_hit(struct answer *a, const struct why *why)
{
	buf_puts(&a->out, "is in the cache");
	if (why->made_ms > 0) {
		buf_puts(&a->out, " (made ");
		put_date(&a->out, why->made_ms);
		if (why->used_ms > 0) {
			buf_puts(&a->out, ", used ");
			put_date(&a->out, why->used_ms);
		}
		buf_putc(&a->out, ')');
	}
	buf_putc(&a->out, '\n');
	if (why->same.index != NODE_NONE.index)
		buf_printf(&a->out,
			   "  %s was rebuilt since then, and gave the same files\n",
			   a->plan->steps[why->same.index]->name);
	if (why->n_reasons > 0)
		buf_puts(&a->out, "  it was rebuilt then because:\n");
}

static const char *cause_name(const struct answer *a, const struct why *why)
{
	return why->cause.index == NODE_NONE.index
		       ? NULL
		       : a->plan->steps[why->cause.index]->name;
}

static void put_step(struct answer *a, const struct step *step, const struct why *why)
{
	static const char *const words[] = {
		[WHY_HIT] = "", /* put_hit() */
		[WHY_MISS] = "is going to be built:\n",
		[WHY_UNKNOWN] = "cannot be checked: 'dagbuild run' says why\n",
		[WHY_OPEN] = "may need to be built:\n",
	};
	TABLE_HAS_ALL(words, WHY_STATUSES);
	const char *cause = cause_name(a, why);
	bool is_long = why->status != WHY_HIT || why->n_reasons > 0 ||
		       why->same.index != NODE_NONE.index;

	if (a->shown++ > 0 && (is_long || a->was_long))
		buf_putc(&a->out, '\n');
	a->was_long = is_long;
	buf_printf(&a->out, "%s (%s) ", step->name, step->label);
	if (why->status == WHY_HIT)
		put_hit(a, why);
	else
		buf_puts(&a->out, words[why->status]);
	for (size_t i = 0; i < why->n_reasons; i++)
		buf_printf(&a->out, "  %s\n", why->reasons[i].text);
	if (cause && why->status == WHY_MISS)
		buf_printf(&a->out, "  because %s is rebuilt\n", cause);
	else if (cause)
		buf_printf(&a->out, "  it depends on the result of %s\n", cause);
	if (why->other_definition && why->n_reasons > 0)
		buf_printf(&a->out, "  (compared with the build of %s)\n",
			   why->other_definition);
}

/* ---- JSON ---- */

static void put_ms(struct buf *out, const char *name, bool is_known, uint64_t ms)
{
	buf_printf(out, ", \"%s\": ", name);
	if (is_known)
		buf_printf(out, "%llu", (unsigned long long)ms);
	else
		buf_puts(out, "null");
}

static void put_reasons(struct buf *out, const struct why *why)
{
	buf_puts(out, ", \"reasons\": [");
	for (size_t i = 0; i < why->n_reasons; i++) {
		buf_puts(out, i > 0 ? ", {\"input\": " : "{\"input\": ");
		put_json(out, why->reasons[i].part);
		buf_puts(out, ", \"text\": ");
		put_json(out, why->reasons[i].text);
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
}

static void put_digest(struct buf *out, const char *name, const struct digest *d)
{
	char text[DIGEST_TEXT_SIZE];

	buf_printf(out, ", \"%s\": ", name);
	put_json(out, digest_is_set(d) ? digest_format(d, text) : NULL);
}

static void put_names(struct answer *a, const struct why *why)
{
	char text[IDENTITY_TEXT_SIZE];

	put_digest(&a->out, "key", &why->key);
	buf_puts(&a->out, ", \"identity\": ");
	put_json(&a->out, why->identity.kind != IDENTITY_NONE
				  ? identity_format(&why->identity, text)
				  : NULL);
	put_digest(&a->out, "chain", &why->chain);
	buf_puts(&a->out, ", \"came_out_same\": ");
	put_json(&a->out, why->same.index != NODE_NONE.index
				  ? a->plan->steps[why->same.index]->name
				  : NULL);
}

static void put_step_json(struct answer *a, const struct step *step,
			  const struct why *why)
{
	static const char *const names[] = {
		[WHY_HIT] = "hit",
		[WHY_MISS] = "miss",
		[WHY_UNKNOWN] = "unknown",
		[WHY_OPEN] = "maybe",
	};
	TABLE_HAS_ALL(names, WHY_STATUSES);

	buf_puts(&a->out, a->shown++ > 0 ? ",\n{\"name\": " : "\n{\"name\": ");
	put_json(&a->out, step->name);
	buf_puts(&a->out, ", \"label\": ");
	put_json(&a->out, step->label);
	buf_printf(&a->out, ", \"status\": \"%s\", \"cause\": ", names[why->status]);
	put_json(&a->out, cause_name(a, why));
	put_reasons(&a->out, why);
	put_names(a, why);
	buf_puts(&a->out, ", \"compared_with\": ");
	put_json(&a->out, why->other_definition);
	put_ms(&a->out, "made_ms", why->made_ms > 0, why->made_ms);
	put_ms(&a->out, "used_ms", why->used_ms > 0, why->used_ms);
	put_ms(&a->out, "expected_ms", why->has_expected && why->status != WHY_HIT,
	       why->expected_ms);
	buf_putc(&a->out, '}');
}

/* ---- the command ---- */

/* Without a store nothing was ever built. */
static struct why *never(size_t n)
{
	struct why *all = xcalloc(n, sizeof(*all));

	for (size_t i = 0; i < n; i++) {
		all[i] = (struct why){
			.status = WHY_MISS, .cause = NODE_NONE, .same = NODE_NONE};
		all[i].reasons = xcalloc(1, sizeof(*all[i].reasons));
		all[i].reasons[0] = (struct why_reason){
			"history", xstrdup("never built before"), NULL};
		all[i].n_reasons = 1;
	}
	return all;
}

static struct err *write_answer(struct answer *a, struct cache_view *view, bool json)
{
	if (!view->all)
		view->all = never(view->n);
	buf_puts(&a->out, json ? "{\"version\": 1, \"steps\": [" : "");
	for (size_t i = 0; i < a->plan->n_steps; i++) {
		const struct step *step = a->plan->steps[i];

		if (!is_asked_for(a, step))
			continue;
		(json ? put_step_json : put_step)(a, step, &view->all[i]);
	}
	buf_puts(&a->out, json ? "\n]}\n" : "");
	return json ? say_json(&a->out) : say_result(&a->out);
}

static struct err *answer(const char *file, const char *asked,
			  struct why_settings *settings, int *status)
{
	CLEANUP(loaded_release) struct loaded loaded = LOADED_INIT;
	CLEANUP(cache_view_release) struct cache_view view = CACHE_VIEW_INIT;
	struct answer a = {.view = &view};
	CLEANUP(freshness_release) struct freshness freshness = FRESHNESS_INIT;
	struct def_options *def = &settings->fresh.net.def;
	struct fresh_request fresh = {
		.options = &settings->fresh,
		.file = file,
		.since_ns = clock_real_ns(),
	};
	struct cache_view_request request = {
		.file = file,
		.freshness = &freshness,
		.options = &def->plan,
		.cache_dir = def->cache.dir,
		.why = {.of_last = true},
	};
	struct err *e;

	/* The user may ask for a stage that the image does not need. */
	def->plan.all_stages = asked != NULL;
	TRY(load_plan(file, def, &def->plan, NULL, &loaded, status));
	if (*status != 0)
		return NULL;
	a.plan = request.plan = fresh.plan = loaded.plan;
	TRY(find_asked_for(asked, &a));
	TRY(fresh_rules(&fresh, &freshness));
	request.security = settings->fresh.security;
	TRY(cache_view_open(&request, &view));
	e = write_answer(&a, &view, settings->json);
	buf_release(&a.out);
	return e;
}

static struct err *write_inputs(bool json)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;

	list_inputs(json, &out);
	return json ? say_json(&out) : say_result(&out);
}

static struct err *why_run(int argc, char **argv, int *status)
{
	CLEANUP(freep) const char **words = NULL;
	CLEANUP(why_settings_release) struct why_settings settings = {0};
	struct operands operands = {0};
	struct err *e = options_parse(rows, argc, argv, &settings, &operands);

	words = operands.items;
	TRY(e);
	TRY(fresh_options_check(&settings.fresh));
	if (settings.list_inputs && operands.len == 0)
		return write_inputs(settings.json);
	if (operands.len < 1 || operands.len > 2)
		return err_new(ERR_USAGE,
			       "'why' takes a definition file, and a stage or step");
	return answer(words[0], operands.len > 1 ? words[1] : NULL, &settings, status);
}

const struct cmd cmd_why = {
	.name = "why",
	.operands = "FILE [STAGE[.STEP]]",
	.summary = "Show why steps are rebuilt, or that they are in the cache",
	.options = rows,
	.run = why_run,
};
