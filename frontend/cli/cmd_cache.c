/* SPDX-License-Identifier: MIT
 * cmd_cache.c - `dagbuild cache`: show what the store holds, and make it smaller.
 *
 * An ordinary user's store has files of subordinate owners, which only root of the user
 * namespace may look into or remove; so the command enters one, as `run` does.  It has
 * one thread, and does not need to execute itself again for that.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/byte_count.h"
#include "base/clock.h"
#include "base/fs.h"
#include "cache/gc.h"
#include "cache/lease.h"
#include "cache/store_make.h"
#include "cache/verify.h"
#include "engine/run/userns.h"
#include "frontend/cli/cache_text.h"
#include "frontend/cli/cmd.h"
#include "frontend/options/amount.h"
#include "frontend/options/cache_options.h"
#include "frontend/ui/say.h"

/* Options that not every action takes. */
enum {
	USES_JSON = 1 << 0,
	USES_OLDER = 1 << 1,
	USES_KEEP = 1 << 2,
	USES_ALL = 1 << 3,
	USES_DRY_RUN = 1 << 4,
	USES_REPAIR = 1 << 5,
	USES_YES = 1 << 6,
};

struct cache_settings {
	struct cache_options cache; /* first: see cache_options.h */
	uint64_t older_ns, keep_bytes;
};

static struct err *set_older(void *settings, const char *value)
{
	return amount_parse_age(value, &((struct cache_settings *)settings)->older_ns);
}

static struct err *set_keep(void *settings, const char *value)
{
	return amount_parse_size(value, &((struct cache_settings *)settings)->keep_bytes);
}

static const struct option_row rows[] = {
	{0, "json", NULL, "du, ls, prune, verify: print JSON", NULL, USES_JSON},
	{0, "older", "AGE", "prune: remove what was not used for AGE, such as 7d",
	 set_older, USES_OLDER},
	{0, "keep", "SIZE", "prune: remove the least recently used, until SIZE is left",
	 set_keep, USES_KEEP},
	{0, "all", NULL, "prune: remove everything that no running build needs", NULL,
	 USES_ALL},
	{0, "dry-run", NULL, "prune, clear: only show what would be removed", NULL,
	 USES_DRY_RUN},
	{0, "repair", NULL, "verify: remove what is damaged", NULL, USES_REPAIR},
	{'y', "yes", NULL, "clear: do not ask for confirmation", NULL, USES_YES},
	CACHE_OPTION_ROW,
	OPTIONS_HELP_ROW,
	{0},
};

/* ---- opening ---- */

/* What another user owns would look like damage, or become unusable for that user. */
static struct err *check_owner(const char *dir)
{
	struct stat st;

	if (stat(dir, &st) != 0)
		return err_sys("cache folder '%s'", dir);
	if (st.st_uid == geteuid())
		return NULL;
	return err_hint(err_new(ERR_UNSUPPORTED,
				"cache folder '%s' belongs to another user", dir),
			"run this command as its owner");
}

/* Become root of a user namespace, if there can be one; if not, nothing was ever
 * built. */
static struct err *become_root(void)
{
	struct userns_plan plan;
	struct err *e = userns_probe(&plan);

	if (e) {
		err_ignore(e, "then there is nothing of subordinate owners");
		return NULL;
	}
	return plan.mode == USERNS_ROOT ? NULL : userns_enter(&plan);
}

/* `*out` stays NULL when nothing was ever built. */
static struct err *open_store(const char *dir, enum store_access access,
			      struct store **out)
{
	CLEANUP(store_closep) struct store *s = NULL;
	struct err *e = store_open(dir, STORE_READ, &s);

	if (e && err_code(e) == ERR_NOTFOUND) {
		err_ignore(e, "nothing was built yet");
		return NULL;
	}
	TRY(e);
	TRY(check_owner(dir));
	TRY(become_root());
	return store_open(dir, access, out);
}

/* ---- actions ---- */

struct job {
	const struct cache_settings *settings;
	unsigned used; /* options that were given */
	const char *dir;
	struct store *store; /* NULL: there is none */
	struct buf *out;     /* for standard output */
	int *status;
};

static struct err *show_usage(const struct job *job)
{
	struct usage_report report = {0};

	if (job->store)
		TRY(usage_measure(job->store, USAGE_EXACT, &report));
	if (job->used & USES_JSON)
		cache_json_usage(&report, job->out);
	else
		cache_text_usage(&report, job->out);
	return NULL;
}

static struct err *list_records(const struct job *job)
{
	struct inventory inventory = INVENTORY_INIT;
	struct err *e = NULL;

	if (job->store)
		e = inventory_look(&inventory, job->store);
	if (!e && (job->used & USES_JSON))
		cache_json_records(&inventory, job->out);
	else if (!e)
		cache_text_records(&inventory, job->out);
	inventory_release(&inventory);
	return e;
}

static void policy_of(const struct job *job, struct gc_policy *policy)
{
	if (job->used & USES_OLDER)
		policy->unused_since_ns =
			clock_real_ns() - (int64_t)job->settings->older_ns;
	if (job->used & USES_KEEP)
		policy->max_bytes = job->settings->keep_bytes;
	if (job->used & USES_ALL)
		policy->unused_since_ns = INT64_MAX;
	policy->holds_for_failed = (job->used & USES_ALL) == 0;
	policy->dry_run = (job->used & USES_DRY_RUN) != 0;
}

static struct err *prune(const struct job *job)
{
	CLEANUP(cache_victims_release) struct cache_victims victims = {0};
	struct gc_policy policy = GC_NOTHING;
	struct gc_result result = {0};

	policy_of(job, &policy);
	policy.show = cache_victims_add;
	policy.context = &victims;
	if (job->store)
		TRY(gc_run(job->store, &policy, &result));
	if (job->used & USES_JSON) {
		cache_json_victims(&victims, &result, policy.dry_run, job->out);
		return NULL;
	}
	if (policy.dry_run)
		cache_text_victims(&victims, job->out);
	cache_text_freed(&result, policy.dry_run);
	return NULL;
}

/* Remove all of it, when no build is running; `*removed` says so.  A run that still looks
 * what there is to build has no lease yet, but has the store open. */
static struct err *remove_store(const struct job *job, bool dry_run, bool *removed)
{
	CLEANUP(closep) int collector = -1;
	CLEANUP(closep) int lock = -1;
	struct lease_set leases = LEASE_SET_INIT;
	struct err *e;

	if (!dry_run) {
		TRY(gc_lock(job->store, &collector));
		TRY(lease_lock(job->store, &lock));
	}
	e = lease_set_read(job->store, &leases);
	*removed = !e && leases.alive == 0;
	lease_set_release(&leases);
	TRY(e);
	return *removed && !dry_run ? store_clear(job->store, removed) : NULL;
}

/* Ask users at a terminal; a script means what it says. */
static bool is_meant(const struct job *job, const struct usage *ours)
{
	CLEANUP(buf_release) struct buf question = BUF_INIT;
	char answer[16] = "", size[BYTE_COUNT_SIZE];

	if ((job->used & USES_YES) || !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return true;
	byte_count_format(ours->bytes, size);
	buf_printf(&question, "remove the cache in '%s', %s in %llu files? [y/N] ",
		   job->dir, size, (unsigned long long)ours->files);
	say(&question);
	return read(STDIN_FILENO, answer, sizeof(answer)) > 0 &&
	       (answer[0] == 'y' || answer[0] == 'Y');
}

static struct err *clear_all(const struct job *job, const struct store_rest *rest)
{
	struct gc_policy policy = GC_NOTHING;
	struct gc_result result = {0};
	struct usage_report report;
	bool dry_run = (job->used & USES_DRY_RUN) != 0, removed = false;

	TRY(usage_measure(job->store, USAGE_QUICK, &report));
	result.freed = report.total;
	usage_subtract(&result.freed, &rest->usage);
	if (!dry_run && !is_meant(job, &result.freed)) {
		say_line("nothing was removed");
		*job->status = 1;
		return NULL;
	}
	TRY(remove_store(job, dry_run, &removed));
	policy.unused_since_ns = INT64_MAX;
	policy.reason = "cache clear";
	policy.dry_run = dry_run;
	if (!removed)
		TRY(gc_run(job->store, &policy, &result));
	cache_text_freed(&result, dry_run);
	cache_text_rest(rest, job->dir);
	return NULL;
}

static struct err *clear(const struct job *job)
{
	CLEANUP(store_rest_release) struct store_rest rest = {0};

	if (!job->store) {
		say_line("there is no cache in '%s'", job->dir);
		return NULL;
	}
	TRY(store_rest(job->store, &rest));
	return clear_all(job, &rest);
}

static struct err *verify(const struct job *job)
{
	CLEANUP(cache_findings_release) struct cache_findings findings = {0};
	struct verify_options options = {
		.repair = (job->used & USES_REPAIR) != 0,
		.show = cache_findings_add,
		.context = &findings,
	};
	struct verify_result result = {0};

	if (job->store)
		TRY(verify_run(job->store, &options, &result));
	if (result.damaged > 0)
		*job->status = 1;
	if (job->used & USES_JSON) {
		cache_json_findings(&findings, &result, options.repair, job->out);
		return NULL;
	}
	cache_text_findings(&findings, job->out);
	cache_text_verified(&result, options.repair);
	return NULL;
}

static const struct action {
	const char *name;
	unsigned options; /* that it takes */
	enum store_access access;
	struct err *(*run)(const struct job *job);
} actions[] = {
	{"du", USES_JSON, STORE_READ, show_usage},
	{"ls", USES_JSON, STORE_READ, list_records},
	{"prune", USES_JSON | USES_OLDER | USES_KEEP | USES_ALL | USES_DRY_RUN,
	 STORE_WRITE, prune},
	{"clear", USES_DRY_RUN | USES_YES, STORE_WRITE, clear},
	{"verify", USES_JSON | USES_REPAIR, STORE_WRITE, verify},
};

/* ---- the command ---- */

static const struct action *find_action(const char *const *words, size_t n)
{
	for (size_t i = 0; n > 0 && i < ARRAY_LEN(actions); i++)
		if (strcmp(actions[i].name, words[0]) == 0)
			return &actions[i];
	return NULL;
}

static struct err *unknown_action(const struct operands *operands)
{
	struct err *e = operands->len == 0
				? err_new(ERR_USAGE, "'cache' needs an action")
				: err_new(ERR_USAGE, "'cache' has no action '%s'",
					  operands->items[0]);

	return err_hint(e, "the actions are du, ls, prune, clear, verify");
}

static struct err *check_words(const struct action *a, const struct operands *operands)
{
	if (!a)
		return unknown_action(operands);
	if (operands->len > 1)
		return err_new(ERR_USAGE, "'cache %s' takes no argument '%s'", a->name,
			       operands->items[1]);
	for (const struct option_row *row = rows; row->name; row++)
		if (operands->used & ~a->options & row->uses)
			return err_new(ERR_USAGE, "'cache %s' takes no option '--%s'",
				       a->name, row->name);
	return NULL;
}

static struct err *cache_run(int argc, char **argv, int *status)
{
	CLEANUP(store_closep) struct store *store = NULL;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(freep) const char **words = NULL;
	CLEANUP(freep) char *dir = NULL;
	const struct action *action = NULL;
	struct cache_settings settings = {0};
	struct operands operands = {0};
	struct err *e = options_parse(rows, argc, argv, &settings, &operands);
	struct job job = {.settings = &settings, .out = &text, .status = status};

	words = operands.items;
	TRY(e);
	action = find_action(words, operands.len);
	TRY(check_words(action, &operands));
	TRY(store_default_dir(settings.cache.dir, &dir));
	/* Opening it for writing would raise the store to our format. */
	TRY(open_store(dir, operands.used & USES_DRY_RUN ? STORE_READ : action->access,
		       &store));
	job.used = operands.used;
	job.dir = dir;
	job.store = store;
	TRY(action->run(&job));
	return job.used & USES_JSON ? say_json(&text) : say_result(&text);
}

const struct cmd cmd_cache = {
	.name = "cache",
	.operands = "ACTION",
	.summary = "Show, check and clean the cache: du, ls, prune, clear, verify",
	.options = rows,
	.run = cache_run,
};
