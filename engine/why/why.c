/* SPDX-License-Identifier: MIT
 * why.c - see why.h.
 *
 * A step that is not a hit has reasons of its own (an input is different, it was never
 * built, its record is gone), or a cause (the step it stands on, or copies from, is
 * rebuilt), or both.  With only a cause it is open: a hit if the same files come out and
 * there is a record of a build on them.  For some steps it is known that other files come
 * out.
 */
#include "engine/why/why.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cache/history.h"
#include "cache/record.h"
#include "engine/executor/detail.h"
#include "engine/why/why_private.h"

struct why_asking {
	const struct exec *x;
	const struct work *w;
	const struct why_options *options;
	struct why *all;
};

/* ---- the nearest earlier build ---- */

static const cJSON *nearest(const cJSON *history, const cJSON *is)
{
	const cJSON *build, *best = NULL;
	size_t distance = SIZE_MAX;

	cJSON_ArrayForEach(build, json_array(history, "builds"))
	{
		size_t d = why_distance(build, is);

		if (d < distance) {
			distance = d;
			best = build;
		}
	}
	return best;
}

static const cJSON *build_of_key(const cJSON *history, const char *key)
{
	const cJSON *build;

	cJSON_ArrayForEach(build, json_array(history, "builds"))
	{
		const char *own = json_string(build, "key");

		if (own && strcmp(own, key) == 0)
			return build;
	}
	return NULL;
}

/* ---- a key that was built before ---- */

static void format_time(uint64_t time_s, char *out, size_t size)
{
	time_t when = (time_t)time_s;
	struct tm tm = {0};

	localtime_r(&when, &tm);
	strftime(out, size, "%Y-%m-%d %H:%M", &tm);
}

static bool tell_eviction(const struct work *w, const struct step *step,
			  struct reasons *out)
{
	struct eviction e;
	char date[32], brief[32];

	if (!history_evicted(w->options.store, &work_state(w, step->id)->key, &e))
		return false;
	format_time(e.time_s, date, sizeof(date));
	snprintf(brief, sizeof(brief), "evicted %.10s", date);
	reason_add(out, "history", brief, "evicted on %s by %s", date, e.why);
	return true;
}

/* The record is there, but does not hold. */
static void tell_refused(const struct work *w, enum miss miss, struct reasons *out)
{
	const char *output = w->options.output;

	if (miss == MISS_GONE)
		reason_add(out, "history", "its layer is gone",
			   "it was built before, but its layer is gone from the cache");
	else if (miss == MISS_EPOCH)
		reason_add(out, "history", "before the epoch", "%s", miss_text(miss));
	else if (miss != MISS_IMAGE)
		reason_add(out, "history", miss_text(miss), "%s", miss_text(miss));
	else if (access(output, F_OK) != 0)
		reason_add(out, "history", "there is no image",
			   "the image '%s' is not there", output);
	else
		reason_add(out, "history", "the image changed",
			   "the image '%s' is not the one that was built", output);
}

static void tell_gone(const struct work *w, const struct step *step, struct reasons *out)
{
	CLEANUP(json_freep) cJSON *record = NULL;
	struct err *e =
		record_load(w->options.store, &work_state(w, step->id)->key, &record);

	if (!e)
		tell_refused(w, work_state(w, step->id)->miss, out);
	else if (!tell_eviction(w, step, out))
		reason_add(out, "history", "gone from the cache",
			   "it was built before, but is gone from the cache");
	err_ignore(e, "told");
}

/* ---- one step ---- */

static const char *name_of(const struct why_asking *a, struct node_id id)
{
	return a->w->options.steps[id.index]->name;
}

/* The parent is there, but it is not the one from then. */
static void tell_parent(const struct why_asking *a, const struct step *step,
			const cJSON *was, const cJSON *is, struct reasons *out)
{
	const char *then = json_string(json_object(was, "parts"), "parent");
	const char *now = json_string(json_object(is, "parts"), "parent");
	CLEANUP(freep) char *brief = NULL;

	if (!then || !now || strcmp(then, now) == 0)
		return;
	brief = xasprintf("%s is different", name_of(a, step->parent));
	reason_add(out, "parent", brief, "%s gives other files%s than it gave then",
		   name_of(a, step->parent), a->w->epoch_set ? ", or times," : "");
}

static void set_definition(struct why_asking *a, struct why *why, const cJSON *history)
{
	const char *name = json_string(history, "definition");

	if (name && exec_definition(a->x) && strcmp(name, exec_definition(a->x)) != 0)
		why->other_definition = xstrdup(name);
}

/* Only now, since this reads all the files. */
static void add_files(const struct exec *x, const struct step *step, cJSON *build)
{
	struct tree_list list = TREE_LIST_INIT;

	err_ignore(exec_list_files(x, step, &list), "the files are not named");
	cJSON_AddItemToObject(build, "files", tree_list_json(&list));
	tree_list_release(&list);
}

/* Is there a record of `build` that this run may use? */
static bool has_record(const struct why_asking *a, const struct step *step,
		       const cJSON *build)
{
	CLEANUP(json_freep) cJSON *record = NULL;
	CLEANUP(freep) char *text = NULL;
	const char *hex = json_string(build, "key");
	struct digest key;
	struct err *e;

	text = xasprintf("sha256:%s", hex ? hex : "");
	if (!digest_parse(str_of(text), &key))
		return false;
	e = record_load(a->w->options.store, &key, &record);
	err_ignore(e, "then it is built");
	return !e && work_refuses(a->w, step, record) == MISS_NONE;
}

/* When everything except the steps before is as it once was: is that build still
 * there? */
static bool may_hit(const struct why_asking *a, const struct step *step,
		    const cJSON *history, const cJSON *is)
{
	const cJSON *build;

	cJSON_ArrayForEach(build, json_array(history, "builds"))
	{
		if (why_distance(build, is) == 0 && has_record(a, step, build))
			return true;
	}
	return false;
}

/* The files of these kinds follow from the inputs that are different. */
static bool gives_others(const struct comparison *c)
{
	if (c->step->kind == STEP_APPS && why_differs(c->was, c->is, "apps"))
		return true;
	if (step_host_files(c->step))
		return why_differs(c->was, c->is, "content") &&
		       !why_differs(c->was, c->is, "list");
	return c->step->kind == STEP_META && why_differs(c->was, c->is, "definition");
}

static void compare_with_history(struct why_asking *a, const struct step *step,
				 const cJSON *history, struct reasons *out)
{
	struct why *why = &a->all[step->id.index];
	const struct step_state *state = work_state(a->w, step->id);
	CLEANUP(json_freep) cJSON *is = NULL;
	struct comparison c = {.step = step, .out = out};
	bool is_whole = state->is_known && state->waits_for.index == NODE_NONE.index;
	char hex[DIGEST_TEXT_SIZE];

	if (is_whole && build_of_key(history, digest_hex(&state->key, hex))) {
		tell_gone(a->w, step, out);
		return;
	}
	if (is_whole && tell_eviction(a->w, step, out))
		return;
	is = detail_new(a->w, step);
	why->may_hit = !is_whole && may_hit(a, step, history, is);
	c.is = is;
	c.was = nearest(history, is);
	c.is_current = true;
	if (!c.was)
		return;
	if (step_host_files(step) && why_differs(c.was, is, "content"))
		add_files(a->x, step, is);
	why_compare(&c);
	tell_parent(a, step, c.was, is, out);
	why->gives_others = gives_others(&c);
}

/* The build made last before `is`: their order has changed if one was used again. */
static const cJSON *made_before(const cJSON *history, const cJSON *is)
{
	const cJSON *build, *best = NULL;
	uint64_t limit = 0, latest = 0, made = 0;

	json_u64(is, "made_ms", &limit);
	cJSON_ArrayForEach(build, json_array(history, "builds"))
	{
		if (json_u64(build, "made_ms", &made) && made < limit && made >= latest) {
			latest = made;
			best = build;
		}
	}
	return best;
}

/* A hit: what was different from the build before it. */
static void compare_last(struct why_asking *a, const struct step *step,
			 const cJSON *history, struct reasons *out)
{
	char hex[DIGEST_TEXT_SIZE];
	const cJSON *is =
		build_of_key(history, digest_hex(&work_state(a->w, step->id)->key, hex));
	struct comparison c = {.step = step, .is = is, .out = out};

	if (!is)
		return;
	c.was = made_before(history, is);
	if (!c.was)
		return;
	why_compare(&c);
	tell_parent(a, step, c.was, is, out);
}

/* Probing stops at the first error, which `run` reports. */
static bool was_looked_at(const struct step_state *state)
{
	return state->inputs || state->miss != MISS_NONE;
}

/* Is there a record under its key that does not count?  Another step, or another
 * definition, made it: this one has no history of it. */
static bool is_refused(const struct step_state *state)
{
	return state->is_known && state->waits_for.index == NODE_NONE.index &&
	       state->miss > MISS_NEW;
}

/* The reasons that no earlier build can explain. */
static void tell_rest(const struct why_asking *a, const struct step *step,
		      const cJSON *history, struct reasons *out)
{
	const struct step_state *state = work_state(a->w, step->id);
	bool waits = state->waits_for.index != NODE_NONE.index;

	if (out->items.len > 0)
		return;
	if (!state->inputs || (!state->is_known && !waits && state->miss != MISS_NONE))
		reason_add(out, "history", miss_text(state->miss), "%s",
			   miss_text(state->miss));
	else if (is_refused(state))
		tell_refused(a->w, state->miss, out);
	else if (!history)
		reason_add(out, "history", "never built before", "never built before");
	else if (!waits)
		reason_add(out, "history", "not built like this",
			   "never built with these inputs");
}

/* Where the rebuilding begins, as seen from `step`. */
static struct node_id first_cause(const struct why_asking *a, const struct step *step)
{
	struct node_id before = work_state(a->w, step->id)->waits_for;

	while (before.index != NODE_NONE.index) {
		const struct why *why = &a->all[before.index];

		if (why->n_reasons > 0 || why->cause.index == NODE_NONE.index)
			return before;
		before = why->cause;
	}
	return before;
}

static enum why_status status_of(const struct why_asking *a, const struct step *step,
				 const struct why *why)
{
	const struct step_state *state = work_state(a->w, step->id);

	if (why->n_reasons > 0 || !state->inputs || !why->may_hit ||
	    state->waits_for.index == NODE_NONE.index)
		return WHY_MISS;
	return a->all[state->waits_for.index].gives_others ? WHY_MISS : WHY_OPEN;
}

/* Was `before` built after `step`, which is a hit all the same? */
static bool came_out_same(const struct work *w, const struct step *step,
			  struct node_id before)
{
	return before.index != NODE_NONE.index &&
	       step_makes_layer(w->options.steps[before.index]->kind) &&
	       work_state(w, before)->made_ms > work_state(w, step->id)->made_ms;
}

static void fill_hit(struct why_asking *a, const struct step *step, struct why *why)
{
	const struct step_state *state = work_state(a->w, step->id);

	why->status = WHY_HIT;
	why->made_ms = state->made_ms;
	why->used_ms = record_used_ms(a->w->options.store, &state->key);
	if (came_out_same(a->w, step, step->parent))
		why->same = step->parent;
	else if (came_out_same(a->w, step, step->producer))
		why->same = step->producer;
}

/* The names of the step, and of what it made, in every store. */
static void fill_names(struct why_asking *a, const struct step *step, struct why *why)
{
	const struct step_state *state = work_state(a->w, step->id);
	const struct snapshot *chain = &state->snapshot;

	if (state->is_known && state->waits_for.index == NODE_NONE.index)
		why->key = state->key;
	if (!state->is_done || chain->len == 0)
		return;
	why->chain = snapshot_digest(chain);
	if (step_makes_layer(step->kind))
		why->identity = chain->layers[chain->len - 1].identity;
}

/* Whatever else is different. */
static void tell_always(struct reasons *out)
{
	reason_add(out, "history", miss_text(MISS_ALWAYS), "%s", miss_text(MISS_ALWAYS));
}

static void ask(struct why_asking *a, const struct step *step)
{
	struct why *why = &a->all[step->id.index];
	const struct step_state *state = work_state(a->w, step->id);
	CLEANUP(json_freep) cJSON *history = NULL;
	struct reasons reasons = {0};
	struct err *e = exec_history(a->x, step, &history);

	err_ignore(e, "never built");
	why->cause = why->same = NODE_NONE;
	fill_names(a, step, why);
	why->has_expected = history && history_expected_ms(history, &why->expected_ms);
	if (history)
		set_definition(a, why, history);
	if (state->is_done) {
		fill_hit(a, step, why);
		if (a->options->of_last && history)
			compare_last(a, step, history, &reasons);
	} else if (!was_looked_at(state)) {
		why->status = WHY_UNKNOWN;
		return;
	} else {
		if (step_runs_always(step))
			tell_always(&reasons);
		else if (history && state->inputs)
			compare_with_history(a, step, history, &reasons);
		tell_rest(a, step, history, &reasons);
	}
	why->reasons = reasons.items.items;
	why->n_reasons = reasons.items.len;
	if (state->is_done)
		return;
	if (state->inputs)
		why->cause = first_cause(a, step);
	why->status = status_of(a, step, why);
}

struct why *why_all(const struct exec *x, const struct why_options *options)
{
	const struct work *w = exec_work(x);
	struct why_asking a = {x, w, options,
			       xcalloc(w->options.n_steps, sizeof(*a.all))};

	/* Steps are numbered so that each comes after those it waits for. */
	for (size_t i = 0; i < w->options.n_steps; i++)
		ask(&a, w->options.steps[i]);
	return a.all;
}

void why_free(struct why *all, size_t n)
{
	for (size_t i = 0; all && i < n; i++) {
		for (size_t k = 0; k < all[i].n_reasons; k++) {
			free(all[i].reasons[k].text);
			free(all[i].reasons[k].brief);
		}
		free(all[i].reasons);
		free(all[i].other_definition);
	}
	free(all);
}

/* ---- in short ---- */

static size_t count_briefs(const struct why *why)
{
	size_t n = 0;

	for (size_t i = 0; i < why->n_reasons; i++)
		n += why->reasons[i].brief != NULL;
	return n;
}

char *why_brief(const struct exec *x, struct node_id id, const struct why *why)
{
	const struct step *step = exec_work(x)->options.steps[id.index], *cause;
	size_t n = count_briefs(why);

	if (why->status == WHY_HIT)
		return NULL;
	if (n > 1)
		return xasprintf("%s, +%zu", why->reasons[0].brief, n - 1);
	if (n == 1)
		return xstrdup(why->reasons[0].brief);
	if (why->cause.index == NODE_NONE.index)
		return NULL;
	cause = exec_work(x)->options.steps[why->cause.index];
	/* In the same stage its short name is enough. */
	return xasprintf("after %s", cause->stage == step->stage ? step_short_name(cause)
								 : cause->name);
}

uint64_t why_expected(const struct graph *g, const struct why *all, size_t *unknown)
{
	struct node_ids order = graph_order(g);
	uint64_t *end = xcalloc(order.len, sizeof(*end)), longest = 0;

	*unknown = 0;
	for (size_t i = 0; i < order.len; i++) {
		uint32_t at = order.items[i].index;
		struct node_ids before = graph_before(g, order.items[i]);

		for (size_t k = 0; k < before.len; k++)
			if (end[before.items[k].index] > end[at])
				end[at] = end[before.items[k].index];
		if (all[at].status != WHY_HIT) {
			end[at] += all[at].expected_ms;
			*unknown += !all[at].has_expected;
		}
		if (end[at] > longest)
			longest = end[at];
	}
	free(end);
	return longest;
}
