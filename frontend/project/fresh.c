/* SPDX-License-Identifier: MIT
 * fresh.c - see fresh.h.
 */
#include "frontend/project/fresh.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/duration.h"
#include "base/map.h"
#include "base/path.h"
#include "base/source.h"
#include "engine/agent/agent.h"
#include "frontend/plan/target.h"
#include "frontend/project/def_lock.h"
#include "frontend/ui/say.h"

static const int64_t NS_PER_MS = 1000000;

/* ---- which steps an option means ---- */

struct choice {
	bool *is_chosen; /* by node index */
	bool *is_named;	 /* as STAGE.STEP, not only with its stage */
	size_t n;
};

static struct choice choice_new(size_t n)
{
	return (struct choice){xcalloc(n, sizeof(bool)), xcalloc(n, sizeof(bool)), n};
}

static void choice_release(struct choice *c)
{
	free(c->is_chosen);
	free(c->is_named);
}

/* Choose the steps of "STAGE" or "STAGE.STEP".  A stage that is not in the plan has none,
 * so nothing is to be done. */
static struct err *choose(const struct plan *plan, const char *text, struct choice *out)
{
	struct target target;
	bool found = false;

	TRY(target_find(text, plan->stages, plan->n_stages, &target));
	for (size_t i = 0; i < plan->n_steps; i++) {
		const struct step *step = plan->steps[i];

		if (step->stage != target.stage ||
		    (target.step && strcmp(step_short_name(step), target.step) != 0))
			continue;
		out->is_chosen[i] = true;
		out->is_named[i] = out->is_named[i] || target.step != NULL;
		found = true;
	}
	if (found || !target.step || !plan->stages[target.stage].is_built)
		return NULL;
	return target_no_step(&target, plan);
}

static struct err *choose_all(const struct plan *plan, bool all, const char *const *names,
			      size_t n, struct choice *out)
{
	for (size_t i = 0; i < out->n; i++)
		out->is_chosen[i] = all;
	for (size_t i = 0; i < n; i++)
		TRY(choose(plan, names[i], out));
	return NULL;
}

/* ---- bases that stages share ---- */

struct err *fresh_reference(const struct step *step, char **out, bool *is_pinned)
{
	const struct agent *agent =
		step->kind == STEP_BASE ? agent_find(step->base->agent) : NULL;

	*out = NULL;
	*is_pinned = false;
	if (!agent || !agent->reference)
		return NULL;
	return place_err(step->where, agent->reference(step->base, out, is_pinned));
}

struct bases {
	const struct plan *plan;
	char **names; /* by node index: NULL for what is not a base */
};

static void bases_release(struct bases *b)
{
	for (size_t i = 0; b->names && i < b->plan->n_steps; i++)
		free(b->names[i]);
	free(b->names);
}

/* For a base that no lock file names: two that say the same are the same. */
static char *name_by_headers(const struct step_base *base)
{
	struct buf out = BUF_INIT;

	buf_printf(&out, "%s", base->agent);
	for (size_t i = 0; i < base->headers.len; i++)
		if (strcmp(base->headers.items[i].name, "stage") != 0)
			buf_printf(&out, "\n%s: %s", base->headers.items[i].name,
				   base->headers.items[i].value);
	return buf_steal(&out);
}

static struct err *bases_find(const struct plan *plan, struct bases *out)
{
	out->plan = plan;
	out->names = xcalloc(plan->n_steps, sizeof(*out->names));
	for (size_t i = 0; i < plan->n_steps; i++) {
		const struct step *step = plan->steps[i];
		bool is_pinned;

		if (step->kind != STEP_BASE)
			continue;
		TRY(fresh_reference(step, &out->names[i], &is_pinned));
		if (!out->names[i])
			out->names[i] = name_by_headers(step->base);
	}
	return NULL;
}

/* Bases with the name of a chosen one become chosen, too. */
static void spread(const struct bases *bases, const bool *from, bool *chosen)
{
	CLEANUP(map_release) struct map names = MAP_INIT;
	size_t n = bases->plan->n_steps;

	for (size_t i = 0; i < n; i++)
		if (bases->names[i] && from[i])
			map_set(&names, bases->names[i], bases->names[i]);
	for (size_t i = 0; i < n; i++)
		if (bases->names[i] && map_get(&names, bases->names[i]))
			chosen[i] = true;
}

/* ---- records ---- */

/* Stages that start from one base have one base step, under one key.  Rebuilding it for
 * one of them would rebuild it for all: so it is left alone where only some of these
 * stages are named, unless the step itself is named. */
static struct err *share_bases(const struct plan *plan, struct choice *anew)
{
	CLEANUP(bases_release) struct bases bases = {0};
	CLEANUP(freep) bool *others = xcalloc(anew->n, sizeof(*others));
	CLEANUP(freep) bool *shared = xcalloc(anew->n, sizeof(*shared));

	TRY(bases_find(plan, &bases));
	for (size_t i = 0; i < anew->n; i++)
		others[i] = !anew->is_chosen[i];
	spread(&bases, others, shared);
	for (size_t i = 0; i < anew->n; i++)
		if (shared[i])
			anew->is_chosen[i] = false;
	spread(&bases, anew->is_named, anew->is_chosen);
	return NULL;
}

static struct err *rule_records(const struct fresh_request *q, struct freshness *out)
{
	const struct fresh_options *o = q->options;
	CLEANUP(choice_release) struct choice anew = choice_new(out->n);
	int64_t now = q->since_ns / NS_PER_MS, oldest = 0;

	TRY(err_wrap(choose_all(q->plan, o->no_cache, o->no_cache_of.items,
				o->no_cache_of.len, &anew),
		     "option '--no-cache'"));
	if (o->no_cache_of.len > 0)
		TRY(share_bases(q->plan, &anew));
	if (o->has_max_age)
		oldest = now - (int64_t)(o->max_age_s * 1000);
	for (size_t i = 0; i < out->n; i++) {
		out->rules[i].is_anew = anew.is_chosen[i];
		out->rules[i].not_before_ms = anew.is_chosen[i] ? now : oldest;
	}
	return NULL;
}

/* ---- the lock file ---- */

/* The error, or the warning, that a base is not in the lock file; `lock` NULL: no
 * file. */
static struct err *not_locked(const struct fresh_request *q, const struct step *step,
			      const char *reference, const struct def_lock *lock,
			      const char *path)
{
	const struct def_lock_base *like =
		lock ? def_lock_find_like(lock, step->base->agent, reference) : NULL;
	struct err *e;

	if (like)
		e = err_new(ERR_SYNTAX, "the base '%s' is not in '%s', which has '%s'",
			    reference, path, like->reference);
	else
		e = err_new(ERR_SYNTAX, "the base '%s' is not in '%s'%s", reference, path,
			    lock ? "" : ", which does not exist");
	return place_err(step->where,
			 err_hint(e, "write it with 'dagbuild lock %s'", q->file));
}

/* With --locked or --werror, all missing bases make one error; else each gives a warning,
 * and is resolved as usual. */
static struct err *complain(const struct fresh_request *q, struct err *before,
			    struct err *e)
{
	if (q->options->locked || q->options->net.def.diag.werror)
		return err_attach(before, e);
	if (!q->is_quiet)
		say_line("%s: warning: %s\n  hint: %s", err_place(e), err_text(e),
			 err_advice(e));
	err_ignore(e, "resolved as usual");
	return before;
}

static struct err *apply_lock(const struct fresh_request *q, const struct def_lock *lock,
			      const char *path, const bool *refreshed,
			      struct freshness *out)
{
	struct err *missing = NULL;

	for (size_t i = 0; i < out->n; i++) {
		const struct step *step = q->plan->steps[i];
		CLEANUP(freep) char *reference = NULL;
		const struct def_lock_base *base;
		bool is_pinned;
		struct err *e;

		e = fresh_reference(step, &reference, &is_pinned);
		if (e)
			return err_attach(e, missing);
		if (!reference || is_pinned || refreshed[i])
			continue;
		base = lock ? def_lock_find(lock, step->base->agent, reference) : NULL;
		if (base)
			out->rules[i].locked = base->digest;
		else
			missing = complain(q, missing,
					   not_locked(q, step, reference, lock, path));
	}
	return missing;
}

static struct err *read_lock(const struct fresh_request *q, const bool *refreshed,
			     struct freshness *out)
{
	CLEANUP(def_lock_release) struct def_lock lock = DEF_LOCK_INIT;
	CLEANUP(freep) char *path = def_lock_path(q->file);
	bool found = false;

	if (q->options->ignore_lock)
		return NULL;
	TRY(def_lock_read(path, q->given, &lock, &found));
	if (!found && !q->options->locked)
		return NULL;
	out->lock_name = xstrdup(path_base(path));
	return apply_lock(q, found ? &lock : NULL, path, refreshed, out);
}

static struct err *rule_bases(const struct fresh_request *q, struct freshness *out)
{
	const struct fresh_options *o = q->options;
	CLEANUP(choice_release) struct choice refreshed = choice_new(out->n);
	CLEANUP(bases_release) struct bases bases = {0};
	enum freshness_resolve resolve = o->offline		   ? RESOLVE_NEVER
					 : o->pull == PULL_MISSING ? RESOLVE_MISSING
								   : RESOLVE_ASK;

	TRY(err_wrap(choose_all(q->plan, o->refresh, o->refresh_of.items,
				o->refresh_of.len, &refreshed),
		     "option '--refresh'"));
	/* Stages that name the same base share it. */
	if (o->refresh_of.len > 0) {
		TRY(bases_find(q->plan, &bases));
		spread(&bases, refreshed.is_chosen, refreshed.is_chosen);
	}
	for (size_t i = 0; i < out->n; i++)
		out->rules[i].resolve = refreshed.is_chosen[i] ? RESOLVE_ASK : resolve;
	return read_lock(q, refreshed.is_chosen, out);
}

struct err *fresh_rules(const struct fresh_request *request, struct freshness *out)
{
	freshness_release(out);
	freshness_init(out, request->plan->n_steps);
	TRY(rule_records(request, out));
	return rule_bases(request, out);
}

/* ---- what to say of it ---- */

char *fresh_sources(const struct freshness *f, struct exec_sources sources)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	int64_t age_ns = clock_real_ns() - sources.oldest_ns;
	char age[32];

	if (sources.locked > 0)
		buf_printf(&out, "%zu %s from %s", sources.locked,
			   sources.locked == 1 ? "base" : "bases", f->lock_name);
	if (sources.remembered > 0) {
		duration_in_words(age_ns > 0 ? (uint64_t)age_ns / 1000000000 : 0, age,
				  sizeof(age));
		buf_printf(&out, "%s%zu %s as resolved %s%s ago", out.len > 0 ? ", " : "",
			   sources.remembered, sources.remembered == 1 ? "base" : "bases",
			   sources.remembered == 1 ? "" : "up to ", age);
	}
	return out.len > 0 ? buf_steal(&out) : NULL;
}
