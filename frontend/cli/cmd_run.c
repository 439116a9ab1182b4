/* SPDX-License-Identifier: MIT
 * cmd_run.c - `dagbuild run`: build the image.
 *
 * The command goes over the graph twice.  First it only probes, in the process as it was
 * started: when everything is a hit, it is done, and has entered no namespace.  At the
 * first miss, or when the store is past its ceiling, it executes itself again as
 * `internal-inside`, which enters its namespaces while it has one thread, and builds.
 * That process finds in the store what the first one resolved, with a time not before
 * `since`.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/output.h"
#include "base/proc.h"
#include "base/size_limit.h"
#include "base/vec.h"
#include "cache/blob.h"
#include "cache/failed.h"
#include "cache/record.h"
#include "engine/executor/exec.h"
#include "engine/work/limit.h"
#include "frontend/cli/cmd.h"
#include "frontend/options/amount.h"
#include "frontend/project/def_lock.h"
#include "frontend/project/fresh.h"
#include "frontend/project/load.h"
#include "frontend/project/older_note.h"
#include "frontend/project/place_note.h"
#include "frontend/ui/say.h"
#include "frontend/ui/sink.h"
#include "frontend/ui/summary.h"
#include "scheduler/sched.h"

static const unsigned JOBS_MAX = 512;
static const unsigned KEEP_FAILED_MAX = 1000;

/* ---- settings ---- */

struct run_settings {
	struct fresh_options fresh; /* first: see cache_options.h */
	unsigned jobs;		    /* 0: the CPUs this process may use */
	const char *output;
	bool force;
	enum sink_progress progress;
	enum sqfs_compression compression;
	const char *trace;
	bool keep_none;			     /* of failed steps */
	unsigned keep_failed;		     /* 0: the default */
	uint64_t cache_max, cache_max_files; /* UINT64_MAX: no limit */
	uint64_t max_file;		     /* 0: not given */
	bool no_host_scripts;
};

static void run_settings_release(struct run_settings *s)
{
	fresh_options_release(&s->fresh);
}

static struct err *set_jobs(void *settings, const char *value)
{
	struct run_settings *s = settings;
	uint64_t n = 0;

	if (!str_to_u64(str_of(value), &n) || n < 1 || n > JOBS_MAX)
		return err_new(ERR_USAGE, "'%s' is not a number from 1 to %u", value,
			       JOBS_MAX);
	s->jobs = (unsigned)n;
	return NULL;
}

static struct err *set_output(void *settings, const char *value)
{
	((struct run_settings *)settings)->output = value;
	return NULL;
}

static struct err *set_force(void *settings, const char *value)
{
	(void)value;
	((struct run_settings *)settings)->force = true;
	return NULL;
}

static struct err *set_progress(void *settings, const char *value)
{
	return sink_progress_parse(value, &((struct run_settings *)settings)->progress);
}

static struct err *set_compress(void *settings, const char *value)
{
	struct run_settings *s = settings;

	if (strcmp(value, "gzip") == 0)
		s->compression = SQFS_GZIP;
	else if (strcmp(value, "zstd") == 0)
		s->compression = SQFS_ZSTD;
	else
		return err_new(ERR_USAGE, "'%s' is not one of gzip, zstd", value);
	return NULL;
}

static struct err *set_trace(void *settings, const char *value)
{
	((struct run_settings *)settings)->trace = value;
	return NULL;
}

static struct err *set_keep_failed(void *settings, const char *value)
{
	struct run_settings *s = settings;
	uint64_t n = 0;

	if (strcmp(value, "no") != 0 &&
	    (!str_to_u64(str_of(value), &n) || n > KEEP_FAILED_MAX))
		return err_new(ERR_USAGE, "'%s' is neither 'no' nor a number up to %u",
			       value, KEEP_FAILED_MAX);
	s->keep_none = n == 0;
	s->keep_failed = (unsigned)n;
	return NULL;
}

static struct err *set_cache_max(void *settings, const char *value)
{
	return amount_parse_size(value, &((struct run_settings *)settings)->cache_max);
}

static struct err *set_max_file(void *settings, const char *value)
{
	uint64_t *max = &((struct run_settings *)settings)->max_file;

	TRY(amount_parse_size(value, max));
	return *max > 0 ? NULL
			: err_new(ERR_USAGE, "'%s' would not allow any file", value);
}

static struct err *set_cache_max_files(void *settings, const char *value)
{
	uint64_t *files = &((struct run_settings *)settings)->cache_max_files;

	return str_to_u64(str_of(value), files)
		       ? NULL
		       : err_new(ERR_USAGE, "'%s' is not a number", value);
}

static struct err *set_no_host_scripts(void *settings, const char *value)
{
	(void)value;
	((struct run_settings *)settings)->no_host_scripts = true;
	return NULL;
}

static const struct option_row rows[] = {
	{'j', "jobs", "N", "threads that work at the same time (default: one per CPU)",
	 set_jobs, 0},
	{'o', "output", "IMAGE",
	 "the image (default: FILE's name with .sif, in the current folder)", set_output,
	 0},
	{'F', "force", NULL, "replace an existing file, even a signed image", set_force,
	 0},
	{0, "progress", "KIND", "auto, tty or plain (default: auto)", set_progress, 0},
	{0, "compress", "KIND", "gzip or zstd (default: gzip)", set_compress, 0},
	NET_OPTION_ROWS,
	CACHE_OPTION_ROW,
	{0, "cache-max", "SIZE",
	 "the maximum size of the cache, such as 10G (default: $DAGBUILD_CACHE_MAX, else "
	 "no limit)",
	 set_cache_max, 0},
	{0, "cache-max-files", "N",
	 "the maximum number of files in the cache (default: no limit)",
	 set_cache_max_files, 0},
	{0, "max-file", "SIZE",
	 "the maximum size of a file, or of all files of a layer, holes included "
	 "(default: $DAGBUILD_MAX_FILE, else 1T)",
	 set_max_file, 0},
	PLAN_OPTION_ROWS,
	FRESH_PLAN_ROWS,
	FRESH_RUN_ROWS,
	{0, "keep-failed", "no|N",
	 "how many failed steps to keep for 'dagbuild shell --failed' (default: 3)",
	 set_keep_failed, 0},
	{0, "trace", "FILE", "write every event to FILE, as a line of JSON", set_trace,
	 0},
	HOST_SCRIPTS_ROW,
	{0, "no-host-scripts", NULL,
	 "refuse what runs on this machine: %pre, %setup, package managers",
	 set_no_host_scripts, 0},
	LIBRARY_ROW,
	DEF_OPTION_ROWS,
	OPTIONS_HELP_ROW,
	{0},
};

/* Options win. */
static struct err *read_environment(struct run_settings *s)
{
	const char *cache_max = getenv("DAGBUILD_CACHE_MAX");
	const char *max_file = getenv("DAGBUILD_MAX_FILE");

	if (cache_max && cache_max[0] && s->cache_max == UINT64_MAX)
		TRY(err_wrap(set_cache_max(s, cache_max), "DAGBUILD_CACHE_MAX"));
	if (max_file && max_file[0] && s->max_file == 0)
		TRY(err_wrap(set_max_file(s, max_file), "DAGBUILD_MAX_FILE"));
	if (s->max_file == 0)
		s->max_file = SIZE_LIMIT_DEFAULT;
	return NULL;
}

/* ---- one build ---- */

struct build {
	struct run_settings settings;
	struct loaded loaded;
	char *output;	     /* absolute; NULL: the target is a step */
	char *definition;    /* absolute */
	struct inside times; /* and the id map */
	struct store *store;
	struct registry *registry;
	struct freshness freshness;
	struct exec *exec;
	struct limit *limit; /* NULL: none */
	bool inside;
};

static void build_release(struct build *b)
{
	exec_freep(&b->exec);
	limit_freep(&b->limit);
	freshness_release(&b->freshness);
	net_options_close(&b->registry);
	store_closep(&b->store);
	loaded_release(&b->loaded);
	run_settings_release(&b->settings);
	given_release(&b->times.given);
	free(b->output);
	free(b->definition);
}

static struct failed_limits keep_limits(const struct run_settings *s)
{
	struct failed_limits limits = failed_limits_default;

	if (s->keep_none || s->keep_failed > 0)
		limits.count = s->keep_failed;
	return limits;
}

static bool is_limited(const struct build *b)
{
	return b->settings.cache_max != UINT64_MAX ||
	       b->settings.cache_max_files != UINT64_MAX;
}

static struct limit_options limit_options_of(const struct build *b)
{
	return (struct limit_options){
		.store = b->store,
		.max_bytes = b->settings.cache_max,
		.max_files = b->settings.cache_max_files,
	};
}

/* Keep the collector away from what this build uses; and set the ceiling, if there is
 * one. */
static struct err *hold_store(struct build *b)
{
	struct limit_options options = limit_options_of(b);

	TRY(store_hold(b->store));
	return is_limited(b) ? limit_new(&options, &b->limit) : NULL;
}

/* We are done: we no longer need anything in the store, and it may go. */
static struct err *let_store_go(struct build *b, struct err *settled)
{
	struct limit_options options = limit_options_of(b);

	limit_freep(&b->limit);
	store_release(b->store);
	if (!settled)
		err_ignore(blob_drop_spent(b->store),
			   "they stay until `cache prune --older`");
	return is_limited(b) ? err_join(settled, limit_settle(&options)) : settled;
}

static struct err *open_exec(struct build *b)
{
	struct exec_options options = {
		.work =
			{
				.steps = b->loaded.plan->steps,
				.n_steps = b->loaded.plan->n_steps,
				.store = b->store,
				.registry = b->registry,
				.id_map = b->times.id_map,
				.purpose = b->inside ? WORK_BUILD : WORK_LOOK,
				.resolved_since = b->times.since,
				.freshness = &b->freshness,
				.jobs = b->settings.jobs,
				.output = b->output,
				.force = b->settings.force,
				.compression = b->settings.compression,
				.max_file = b->settings.max_file,
				.security = b->settings.fresh.security,
				.keep = keep_limits(&b->settings),
			},
		.definition = b->definition,
		.limit = b->limit,
	};

	return exec_new(&options, &b->exec);
}

static struct err *open_freshness(struct build *b, const char *file)
{
	struct fresh_request request = {
		.options = &b->settings.fresh,
		.plan = b->loaded.plan,
		.file = file,
		.since_ns = b->times.since,
		.given = &b->times.given,
		.is_quiet = b->inside,
	};

	return fresh_rules(&request, &b->freshness);
}

static struct err *find_output(struct build *b, const char *file)
{
	CLEANUP(freep) char *name = NULL;
	const char *path = b->settings.output;

	if (!path)
		TRY(load_image_path(file, b->loaded.plan, &b->settings.fresh.net.def.plan,
				    &name));
	if (!path)
		path = name;
	return path ? output_follow(path, &b->output) : NULL;
}

/* A file that this very command reads cannot be meant as output, even with --force. */
static struct err *spare_inputs(const struct build *b, const char *path, const char *file,
				const char *cache)
{
	CLEANUP(freep) char *lock = def_lock_path(file);

	TRY(output_spare(path, file, "the definition"));
	TRY(output_spare(path, lock, "its lock file"));
	TRY(load_spare_images(b->loaded.plan, path, cache));
	TRY(output_spare(path, b->settings.fresh.net.def.args_file,
			 "the file of build arguments"));
	return output_spare(path, b->settings.fresh.net.authfile,
			    "the file of credentials");
}

static struct err *check_outputs(const struct build *b, const char *file,
				 const char *cache)
{
	const char *trace = b->settings.trace;

	if (b->output)
		TRY(spare_inputs(b, b->output, file, cache));
	if (!trace)
		return NULL;
	TRY(spare_inputs(b, trace, file, cache));
	return output_spare(trace, b->output, "the image");
}

/* Nor can what the store holds. */
static struct err *keep_out_of_store(const struct build *b)
{
	const char *trace = b->settings.trace;

	if (b->output)
		TRY(output_keep_out(b->output, store_fd(b->store), "the cache"));
	return trace ? output_keep_out(trace, store_fd(b->store), "the cache") : NULL;
}

static struct err *open_build(struct build *b, const char *file)
{
	CLEANUP(freep) char *dir = NULL;

	TRY(open_freshness(b, file));
	if (b->settings.jobs == 0)
		b->settings.jobs = proc_cpus();
	TRY(find_output(b, file));
	TRY(store_default_dir(b->settings.fresh.net.def.cache.dir, &dir));
	TRY(check_outputs(b, file, dir));
	TRY(fs_absolute(file, &b->definition));
	TRY(store_open(dir, STORE_WRITE, &b->store));
	TRY(keep_out_of_store(b));
	if (b->inside)
		TRY(hold_store(b));
	if (b->inside)
		place_note_tell(b->store);
	if (b->inside)
		older_note_tell(b->store);
	b->settings.fresh.net.memory = b->times.memory;
	TRY(net_options_open(&b->settings.fresh.net, b->settings.fresh.offline,
			     &b->registry));
	TRY(open_exec(b));
	return b->output ? exec_check_output(b->exec) : NULL;
}

static void summarize(const struct build *b, const struct sched_result *result)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(freep)
	char *sources = fresh_sources(&b->freshness, exec_sources(b->exec));
	struct summary summary = {
		.plan_steps = b->loaded.plan->n_steps,
		.built = result->counts[NODE_BUILT],
		.cached = result->counts[NODE_CACHED],
		.elapsed_ns = clock_mono_ns() - b->times.started_ns,
		.image = b->output,
		.target = b->settings.fresh.net.def.plan.target,
		.image_bytes = exec_image_size(b->exec),
		.sources = sources,
	};

	summary_render(&summary, &text);
	say(&text);
}

/* First pass: `*all_hit` when nothing needs to be done. */
static struct err *probe(struct build *b, bool *all_hit)
{
	CLEANUP(sinks_release) struct sinks sinks = SINKS_INIT;
	struct sched_result result = SCHED_RESULT_INIT;
	struct executor executor = exec_executor(b->exec);
	struct sched_options options = {
		.jobs = b->settings.jobs,
		.probe_only = true,
		.stop_at_miss = true,
	};
	struct limit_options limit = limit_options_of(b);
	bool passed = false;
	struct err *e;

	TRY(sinks_open(&sinks, b->settings.progress, SINK_LOOK, NULL));
	options.sinks = sinks.items;
	options.n_sinks = sinks.len;
	e = sched_run(b->loaded.plan->graph, &executor, &options, &result);
	err_ignore(exec_remember(b->exec), "the next run reads the files again");
	*all_hit = !e && result.counts[NODE_CACHED] == b->loaded.plan->n_steps;
	/* Making room needs our namespaces as well. */
	if (*all_hit && is_limited(b))
		e = limit_is_passed(&limit, &passed);
	*all_hit = *all_hit && !e && !passed;
	if (*all_hit)
		summarize(b, &result);
	sched_result_release(&result);
	return e;
}

/* ---- second pass ---- */

/* Start first what took long before. */
static void set_costs(struct build *b)
{
	for (uint32_t i = 0; i < b->loaded.plan->n_steps; i++) {
		struct node_id id = {i};
		uint64_t ms;

		if (exec_expected_ms(b->exec, id, &ms))
			graph_set_cost(b->loaded.plan->graph, id, ms);
	}
}

static struct err *build_all(struct build *b, struct sched_result *result)
{
	CLEANUP(sinks_release) struct sinks sinks = SINKS_INIT;
	struct sched_options options = {.jobs = b->settings.jobs};
	struct executor executor = exec_executor(b->exec);

	set_costs(b);
	TRY(sinks_open(&sinks, b->settings.progress, SINK_BUILD, b->settings.trace));
	options.sinks = sinks.items;
	options.n_sinks = sinks.len;
	return sched_run(b->loaded.plan->graph, &executor, &options, result);
}

/* Remove failed roots that have expired, however many are to be kept. */
static void drop_expired(const struct build *b)
{
	struct failed_limits limits = failed_limits_default;

	limits.count = UINT32_MAX;
	limits.bytes = UINT64_MAX;
	err_ignore(failed_sweep(b->store, &limits), "the next run tries again");
}

static struct err *build(struct build *b)
{
	struct sched_result result = SCHED_RESULT_INIT;
	struct err *e, *settled;

	drop_expired(b);
	e = build_all(b, &result);
	err_ignore(exec_remember(b->exec), "the next run reads the files again");
	/* Finished steps count after a failure, too. After a signal, the next run settles
	 * those for which the disk was too slow. */
	settled = record_settle(b->store);
	settled = let_store_go(b, settled);
	/* A user who interrupts does not want to wait for it. */
	if (!e || err_code(e) != ERR_CANCELLED)
		older_note_remove(b->store);
	if (!e)
		summarize(b, &result);
	sched_result_release(&result);
	return err_join(e, settled);
}

/* ---- the command ---- */

static struct err *read_command(int argc, char **argv, struct build *b, const char **file,
				int *status)
{
	CLEANUP(freep) const char **files = NULL;
	struct operands operands = {0};
	struct err *e;

	e = options_parse(rows, argc, argv, &b->settings, &operands);

	files = operands.items;
	TRY(e);
	TRY(fresh_options_check(&b->settings.fresh));
	TRY(net_options_environment(&b->settings.fresh.net));
	TRY(read_environment(&b->settings));
	if (operands.len != 1)
		return err_new(ERR_USAGE, "'run' takes one definition file");
	*file = files[0];
	TRY(load_plan(*file, &b->settings.fresh.net.def, &b->settings.fresh.net.def.plan,
		      &b->times.given, &b->loaded, status));
	if (*status != 0)
		return NULL;
	if (b->settings.output && b->loaded.plan->pack.index == NODE_NONE.index)
		return err_hint(err_new(ERR_USAGE,
					"the target '%s' is a step: it makes no "
					"image",
					b->settings.fresh.net.def.plan.target),
				"name a stage, or leave out -o");
	if (b->settings.no_host_scripts)
		TRY(load_refuse_host_scripts(b->loaded.plan));
	return exec_check_steps(b->loaded.plan->steps, b->loaded.plan->n_steps);
}

static struct err *run_run(int argc, char **argv, int *status)
{
	CLEANUP(build_release)
	struct build b = {
		.settings = {.cache_max = UINT64_MAX, .cache_max_files = UINT64_MAX},
		.times = inside_now()};
	const char *file = NULL;
	CLEANUP(freep) char *memory = NULL;
	bool all_hit = false;

	TRY(read_command(argc, argv, &b, &file, status));
	if (*status != 0)
		return NULL;
	TRY(inside_probe(&b.times));
	TRY(open_build(&b, file));
	TRY(probe(&b, &all_hit));
	if (all_hit)
		return NULL;
	memory = registry_memory(b.registry);
	b.times.memory = memory;
	return inside_go(&b.times, "run", argc, argv);
}

static struct err *run_inside(const struct inside *in, int argc, char **argv, int *status)
{
	CLEANUP(build_release)
	struct build b = {
		.settings = {.cache_max = UINT64_MAX, .cache_max_files = UINT64_MAX},
		.inside = true,
		.times = *in};
	const char *file = NULL;

	TRY(read_command(argc, argv, &b, &file, status));
	if (*status != 0)
		return NULL;
	TRY(open_build(&b, file));
	return build(&b);
}

const struct cmd cmd_run = {
	.name = "run",
	.operands = "FILE",
	.summary = "Build an image from a definition file",
	.options = rows,
	.run = run_run,
	.run_inside = run_inside,
};
