/* SPDX-License-Identifier: MIT
 * cmd_lock.c - `dagbuild lock`: write down what the bases of a definition are now.
 *
 * Bases that are in the lock file already stay as they are, unless --update is given;
 * those that the definition no longer uses go.  All stages count, also those that no
 * image needs. To resolve the bases it runs a graph without edges whose nodes they are:
 * so this is parallel, can be interrupted, and says so when a registry is slow.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/output.h"
#include "base/vec.h"
#include "engine/agent/agent.h"
#include "frontend/cli/cmd.h"
#include "frontend/project/def_lock.h"
#include "frontend/project/fresh.h"
#include "frontend/project/load.h"
#include "frontend/ui/say.h"
#include "frontend/ui/sink.h"
#include "scheduler/sched.h"

/* Requests spend more time waiting than working. */
static const unsigned REQUESTS_AT_ONCE = 8;

struct lock_settings {
	struct net_options net; /* first: see cache_options.h */
	bool update;
};

static void lock_settings_release(struct lock_settings *s)
{
	net_options_release(&s->net);
}

static struct err *set_update(void *settings, const char *value)
{
	(void)value;
	((struct lock_settings *)settings)->update = true;
	return NULL;
}

static const struct option_row rows[] = {
	{0, "update", NULL, "resolve again the bases that are already locked", set_update,
	 0},
	NET_OPTION_ROWS,
	CACHE_OPTION_ROW,
	LIBRARY_ROW,
	DEF_OPTION_ROWS,
	OPTIONS_HELP_ROW,
	{0},
};

/* ---- the bases ---- */

struct wanted {
	const struct step *step;
	char *reference;
	struct digest digest; /* unset: to be resolved */
	int64_t resolved_ns;
	const struct def_lock_base *locked; /* its old entry; NULL without */
};

struct locking {
	struct lock_settings settings;
	struct loaded loaded;
	char *path;
	char *real_path; /* where links lead to */
	struct def_lock old;
	bool is_there; /* a lock file */
	struct store *store;
	struct registry *registry;
	struct flight_table *flights;
	int64_t since_ns;
	VEC(struct wanted) bases;
};

static void locking_release(struct locking *l)
{
	for (size_t i = 0; i < l->bases.len; i++)
		free(l->bases.items[i].reference);
	vec_free(&l->bases);
	flight_table_free(l->flights);
	net_options_close(&l->registry);
	store_closep(&l->store);
	def_lock_release(&l->old);
	free(l->path);
	free(l->real_path);
	loaded_release(&l->loaded);
	lock_settings_release(&l->settings);
}

/* Stages that name the same base share it. */
static bool is_wanted(const struct locking *l, const char *agent, const char *reference)
{
	for (size_t i = 0; i < l->bases.len; i++)
		if (strcmp(l->bases.items[i].step->base->agent, agent) == 0 &&
		    strcmp(l->bases.items[i].reference, reference) == 0)
			return true;
	return false;
}

static struct err *find_bases(struct locking *l)
{
	for (size_t i = 0; i < l->loaded.plan->n_steps; i++) {
		const struct step *step = l->loaded.plan->steps[i];
		CLEANUP(freep) char *reference = NULL;
		struct wanted base = {.step = step, .resolved_ns = l->since_ns};
		bool is_pinned;

		TRY(fresh_reference(step, &reference, &is_pinned));
		if (!reference || is_wanted(l, step->base->agent, reference))
			continue;
		base.locked = def_lock_find(&l->old, step->base->agent, reference);
		if (base.locked && !l->settings.update)
			base.digest = base.locked->digest;
		base.reference = STEAL(reference);
		vec_push(&l->bases, base);
	}
	return NULL;
}

/* ---- resolving ---- */

static struct err *resolve_one(void *self, struct node_id id, struct task *task,
			       enum probe_result *out)
{
	struct locking *l = self;
	struct wanted *base = &l->bases.items[id.index];
	const struct step_base *source = base->step->base;
	struct agent_context context = {
		.store = l->store,
		.registry = l->registry,
		.flights = l->flights,
		.task = task,
		.id_map = "",
		.platform = oci_platform_host(),
		.use_network = true,
		.resolved_since = l->since_ns,
		.resolved_ns = &base->resolved_ns,
	};

	*out = PROBE_HIT;
	if (digest_is_set(&base->digest))
		return NULL;
	return place_err(
		base->step->where,
		agent_find(source->agent)->resolve(&context, source, &base->digest));
}

static struct err *never_run(void *self, struct node_id id, struct task *task)
{
	(void)self;
	(void)id;
	(void)task;
	return err_new(ERR_SYS, "a base is resolved, not built");
}

static struct err *resolve_all(struct locking *l)
{
	CLEANUP(graph_builder_freep) struct graph_builder *builder = graph_builder_new();
	CLEANUP(graph_freep) struct graph *graph = NULL;
	CLEANUP(sched_result_release) struct sched_result result = SCHED_RESULT_INIT;
	CLEANUP(sinks_release) struct sinks sinks = SINKS_INIT;
	struct executor executor = {.self = l, .probe = resolve_one, .run = never_run};
	struct sched_options options = {
		.jobs = REQUESTS_AT_ONCE,
		.probe_only = true,
	};

	for (size_t i = 0; i < l->bases.len; i++)
		graph_builder_add(builder, l->bases.items[i].reference, NULL, 1);
	TRY(graph_builder_freeze(builder, &graph));
	TRY(sinks_open(&sinks, SINK_AUTO, SINK_LOOK, NULL));
	options.sinks = sinks.items;
	options.n_sinks = sinks.len;
	return sched_run(graph, &executor, &options, &result);
}

/* ---- the file ---- */

static void describe_time(int64_t ns, char *out, size_t size)
{
	time_t seconds = (time_t)(ns / 1000000000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(out, size, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static char *platform_text(void)
{
	struct oci_platform p = oci_platform_host();

	return xasprintf("%s/%s%s%s", p.os, p.architecture, p.variant ? "/" : "",
			 p.variant ? p.variant : "");
}

static bool is_kept(const struct wanted *base)
{
	return base->locked && digest_equal(&base->locked->digest, &base->digest);
}

static void make_lock(const struct locking *l, struct def_lock *out)
{
	CLEANUP(freep) char *platform = platform_text();

	for (size_t i = 0; i < l->bases.len; i++) {
		const struct wanted *base = &l->bases.items[i];
		char date[32];
		struct def_lock_base entry = {
			.agent = (char *)base->step->base->agent,
			.reference = base->reference,
			.platform = platform,
			.date = date,
			.digest = base->digest,
		};

		describe_time(base->resolved_ns, date, sizeof(date));
		def_lock_add(out, is_kept(base) ? base->locked : &entry);
	}
}

/* A file that would say the same is not written again: no new dates when nothing is
 * new. */
static bool is_current(const struct locking *l)
{
	if (!l->is_there || l->old.bases.len != l->bases.len)
		return false;
	for (size_t i = 0; i < l->bases.len; i++)
		if (l->bases.items[i].locked != &l->old.bases.items[i] ||
		    !is_kept(&l->bases.items[i]))
			return false;
	return true;
}

static bool is_used(const struct locking *l, const struct def_lock_base *old)
{
	for (size_t i = 0; i < l->bases.len; i++)
		if (l->bases.items[i].locked == old)
			return true;
	return false;
}

/* One line for each base: what it is, and what it was. */
static void tell(const struct locking *l, struct buf *out)
{
	char now[DIGEST_TEXT_SIZE], then[DIGEST_TEXT_SIZE];

	for (size_t i = 0; i < l->bases.len; i++) {
		const struct wanted *base = &l->bases.items[i];

		buf_printf(out, "  %s  %s", base->reference,
			   digest_format(&base->digest, now));
		if (!base->locked)
			buf_puts(out, "  (new)");
		else if (!is_kept(base))
			buf_printf(out, "  (was %s)",
				   digest_format(&base->locked->digest, then));
		buf_putc(out, '\n');
	}
	for (size_t i = 0; i < l->old.bases.len; i++)
		if (!is_used(l, &l->old.bases.items[i]))
			buf_printf(out, "  %s  (no longer used)\n",
				   l->old.bases.items[i].reference);
}

static struct err *write_lock(const struct locking *l)
{
	CLEANUP(def_lock_release) struct def_lock lock = DEF_LOCK_INIT;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	bool current = is_current(l);

	if (!current) {
		make_lock(l, &lock);
		TRY(def_lock_write(l->real_path, &lock));
	}
	buf_printf(&text, "%s: %zu %s%s\n", l->path, l->bases.len,
		   l->bases.len == 1 ? "base" : "bases",
		   current ? ", nothing has changed" : "");
	tell(l, &text);
	say(&text);
	return NULL;
}

/* ---- the command ---- */

/* With --update the old file does not even need to be readable. */
static struct err *read_old(struct locking *l)
{
	struct err *e = def_lock_read(l->path, NULL, &l->old, &l->is_there);

	if (!e || !l->settings.update || err_code(e) != ERR_SYNTAX)
		return e;
	err_ignore(e, "written again");
	def_lock_release(&l->old);
	l->is_there = false;
	return NULL;
}

static struct err *lock(struct locking *l)
{
	CLEANUP(freep) char *dir = NULL;

	TRY(output_follow(l->path, &l->real_path));
	TRY(output_check(l->real_path));
	TRY(read_old(l));
	TRY(find_bases(l));
	TRY(store_default_dir(l->settings.net.def.cache.dir, &dir));
	TRY(store_open(dir, STORE_WRITE, &l->store));
	TRY(net_options_environment(&l->settings.net));
	TRY(net_options_open(&l->settings.net, false, &l->registry));
	l->flights = flight_table_new(l->store);
	if (l->bases.len > 0)
		TRY(resolve_all(l));
	return write_lock(l);
}

static struct err *lock_run(int argc, char **argv, int *status)
{
	CLEANUP(locking_release) struct locking l = {.since_ns = clock_real_ns()};
	CLEANUP(freep) const char **files = NULL;
	struct operands operands = {0};
	struct err *e = options_parse(rows, argc, argv, &l.settings, &operands);

	files = operands.items;
	TRY(e);
	if (operands.len != 1)
		return err_new(ERR_USAGE, "'lock' takes one definition file");
	if (given_is_stream(files[0]))
		return err_hint(err_new(ERR_USAGE,
					"'%s' is not a file: a lock file cannot be "
					"written next to it",
					files[0]),
				"save the definition in a file");
	l.settings.net.def.plan.all_stages = true;
	TRY(load_plan(files[0], &l.settings.net.def, &l.settings.net.def.plan, NULL,
		      &l.loaded, status));
	if (*status != 0)
		return NULL;
	l.path = def_lock_path(files[0]);
	return lock(&l);
}

const struct cmd cmd_lock = {
	.name = "lock",
	.operands = "FILE",
	.summary = "Write FILE.lock: the digest of every base from a registry",
	.options = rows,
	.run = lock_run,
};
