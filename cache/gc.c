/* SPDX-License-Identifier: MIT
 * gc.c - see gc.h.
 *
 * What order?  A record is as young as the youngest record built on it: using anything
 * uses what is below it.  Among equals the longest chain goes first, so that what others
 * are built on goes last.  A record goes before its layers: no record ever names a
 * layer that is not there.
 *
 * The store is looked at twice.  The first look takes no lock, and may take long; the
 * second holds the lease lock, and is quick since it reads only new records.  The victims
 * are then renamed into a folder of tmp/ before the lock is released, so that a process
 * that names one afterwards finds it gone; the removal itself needs no lock.
 */
#include "cache/gc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/path.h"
#include "base/str.h"
#include "cache/failed.h"
#include "cache/history.h"
#include "cache/inventory.h"
#include "cache/older.h"
#include "cache/store_private.h"

static const char LOCK[] = "leases/.collector";

enum candidate_type {
	CANDIDATE_RECORD,
	CANDIDATE_LAYER, /* no record names it: used_ns is INT64_MIN */
	CANDIDATE_FILE,
};

struct candidate {
	enum candidate_type type;
	size_t index; /* in the inventory */
	int64_t used_ns;
	size_t depth; /* layers in the chain */
};

struct collection {
	const struct store *store;
	const struct gc_policy *policy;
	struct gc_result *result;
	struct inventory inventory;
	struct lease_set leases;
	struct failed_list failed; /* that hold their layers */
	bool has_older;		   /* something of an older format is left: older.h */
	int64_t raised_ns;	   /* logs from before it are of that format */
	VEC(struct candidate) candidates;
	struct usage now; /* what is left */
	struct scratch trash;
	VEC(struct digest) evicted; /* keys of records */
};

static void collection_release(struct collection *c)
{
	inventory_release(&c->inventory);
	lease_set_release(&c->leases);
	failed_list_release(&c->failed);
	vec_free(&c->candidates);
	scratch_release(&c->trash);
	vec_free(&c->evicted);
}

struct err *gc_lock(const struct store *s, int *fd)
{
	return store_lock_file(s, LOCK, LOCK_EX, fd);
}

/* ---- choosing ---- */

static int compare(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->used_ns != y->used_ns)
		return x->used_ns < y->used_ns ? -1 : 1;
	if (x->depth != y->depth)
		return x->depth > y->depth ? -1 : 1;
	return x->type < y->type ? -1 : x->type > y->type;
}

/* INT64_MIN: nothing can use it. */
static int64_t record_used(const struct inventory *inv, const struct inventory_record *r)
{
	const struct inventory_layer *top =
		r->chain.len > 0 ? inventory_find_layer(
					   inv, r->chain.layers[r->chain.len - 1].name)
				 : NULL;

	if (older_is_record(r->hex))
		return INT64_MIN;
	return top ? top->used_ns : r->used_ns;
}

static int64_t file_used(const struct collection *c, const struct inventory_file *file)
{
	return file->kind == INVENTORY_LOG && file->used_ns < c->raised_ns
		       ? INT64_MIN
		       : file->used_ns;
}

static struct err *hold_for_failed(struct collection *c)
{
	if (!c->policy->holds_for_failed)
		return NULL;
	TRY(failed_list_read(c->store, &failed_limits_default, &c->failed));
	for (size_t i = 0; i < c->failed.len; i++) {
		const struct snapshot *below = &c->failed.items[i].below;

		for (size_t j = 0; j < below->len; j++) {
			struct inventory_layer *layer = inventory_find_layer(
				&c->inventory, below->layers[j].name);

			if (layer)
				layer->refs++;
		}
	}
	return NULL;
}

static void list_candidates(struct collection *c)
{
	const struct inventory *inv = &c->inventory;

	for (size_t i = 0; i < inv->records.len; i++)
		vec_push(&c->candidates,
			 ((struct candidate){CANDIDATE_RECORD, i,
					     record_used(inv, &inv->records.items[i]),
					     inv->records.items[i].chain.len}));
	for (size_t i = 0; i < inv->layers.len; i++)
		if (inv->layers.items[i].refs == 0)
			vec_push(&c->candidates,
				 ((struct candidate){CANDIDATE_LAYER, i, INT64_MIN, 0}));
	for (size_t i = 0; i < inv->files.len; i++)
		vec_push(&c->candidates,
			 ((struct candidate){CANDIDATE_FILE, i,
					     file_used(c, &inv->files.items[i]), 0}));
	if (c->candidates.len > 0)
		qsort(c->candidates.items, c->candidates.len,
		      sizeof(*c->candidates.items), compare);
}

static bool is_wanted(const struct collection *c, const struct candidate *candidate)
{
	return candidate->used_ns == INT64_MIN ||
	       candidate->used_ns < c->policy->unused_since_ns ||
	       c->now.bytes > c->policy->max_bytes || c->now.files > c->policy->max_files;
}

/* ---- taking ---- */

static void tell(struct collection *c, const struct gc_victim *victim)
{
	c->result->victims++;
	usage_add(&c->result->freed, &victim->usage);
	usage_subtract(&c->now, &victim->usage);
	if (c->policy->show)
		c->policy->show(c->policy->context, victim);
}

/* Move it out of sight; it is removed later. */
static struct err *move_away(struct collection *c, const char *path)
{
	char name[24];

	if (c->policy->dry_run)
		return NULL;
	if (c->trash.fd < 0)
		TRY(scratch_new(c->store, &c->trash));
	snprintf(name, sizeof(name), "%zu", c->result->victims);
	if (renameat(c->store->fd, path, c->trash.fd, name) != 0 && errno != ENOENT)
		return err_sys("'%s'", path);
	return NULL;
}

static struct err *take_layer(struct collection *c, const struct inventory_layer *layer)
{
	CLEANUP(freep) char *path = path_join("layers", layer->name);
	struct gc_victim victim = {"layer", layer->name, layer->usage, layer->used_ns};

	if (lease_set_has(&c->leases, LEASE_LAYER, layer->name)) {
		c->result->needed++;
		return NULL;
	}
	TRY(move_away(c, path));
	tell(c, &victim);
	return NULL;
}

/* What named this chain is gone: remove those of its layers that nothing else names. */
static struct err *let_go(struct collection *c, const struct snapshot *chain)
{
	for (size_t i = chain->len; i-- > 0;) {
		struct inventory_layer *layer =
			inventory_find_layer(&c->inventory, chain->layers[i].name);

		if (layer && layer->refs > 0 && --layer->refs == 0)
			TRY(take_layer(c, layer));
	}
	return NULL;
}

static void note_key(struct collection *c, const char *hex)
{
	CLEANUP(freep) char *text = xasprintf("sha256:%s", hex);
	struct digest key;

	if (digest_parse(str_of(text), &key))
		vec_push(&c->evicted, key);
}

static struct err *take_record(struct collection *c, const struct candidate *candidate)
{
	struct inventory_record *r = &c->inventory.records.items[candidate->index];
	struct gc_victim victim = {
		"record",
		strcmp(r->step, "?") != 0 ? r->step : r->kind,
		r->usage,
		candidate->used_ns,
	};

	if (lease_set_has(&c->leases, LEASE_RECORD, r->hex)) {
		c->result->needed++;
		return NULL;
	}
	TRY(move_away(c, r->path));
	tell(c, &victim);
	note_key(c, r->hex);
	return let_go(c, &r->chain);
}

/* Is a process using it?  A process that uses a failed root, or fetches a blob, locks it.
 * When in doubt, it is needed. */
static bool is_locked(const struct collection *c, const char *path)
{
	CLEANUP(closep) int fd = openat(c->store->fd, path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? errno != ENOENT : flock(fd, LOCK_EX | LOCK_NB) != 0;
}

static bool is_needed(const struct collection *c, const struct inventory_file *file)
{
	const char *name = path_base(file->path);
	char hex[DIGEST_TEXT_SIZE];

	switch (file->kind) {
	case INVENTORY_BLOB:
		snprintf(hex, sizeof(hex), "%.2s%.62s", name - 3, name);
		return lease_set_has(&c->leases, LEASE_BLOB, hex);
	case INVENTORY_LOG:
		return file->used_ns >= c->leases.oldest_ns;
	case INVENTORY_PARTIAL:
	case INVENTORY_FAILED:
		return is_locked(c, file->path);
	case INVENTORY_KINDS:
		break;
	}
	return false;
}

static struct err *let_go_of_failed(struct collection *c, const char *name)
{
	for (size_t i = 0; i < c->failed.len; i++)
		if (strcmp(c->failed.items[i].id.name, name) == 0)
			return let_go(c, &c->failed.items[i].below);
	return NULL;
}

static struct err *take_file(struct collection *c, const struct candidate *candidate)
{
	static const char *const kinds[] = {
		[INVENTORY_BLOB] = "blob",
		[INVENTORY_PARTIAL] = "blob",
		[INVENTORY_LOG] = "log",
		[INVENTORY_FAILED] = "failed",
	};
	TABLE_HAS_ALL(kinds, INVENTORY_KINDS);
	const struct inventory_file *file = &c->inventory.files.items[candidate->index];
	struct gc_victim victim = {kinds[file->kind], path_base(file->path), file->usage,
				   file->used_ns};

	if (is_needed(c, file)) {
		c->result->needed++;
		return NULL;
	}
	TRY(move_away(c, file->path));
	tell(c, &victim);
	return file->kind == INVENTORY_FAILED ? let_go_of_failed(c, victim.name) : NULL;
}

static struct err *take(struct collection *c, const struct candidate *candidate)
{
	switch (candidate->type) {
	case CANDIDATE_RECORD:
		return take_record(c, candidate);
	case CANDIDATE_LAYER:
		return take_layer(c, &c->inventory.layers.items[candidate->index]);
	case CANDIDATE_FILE:
		return take_file(c, candidate);
	}
	return NULL;
}

/* A folder of records or blobs: "records/ab".  One that is not empty stays. */
static void remove_empty_folder(const struct collection *c, const char *path)
{
	CLEANUP(freep)
	char *folder = xstrndup(path, (size_t)(path_base(path) - path) - 1);

	(void)unlinkat(c->store->fd, folder, AT_REMOVEDIR);
}

static void remove_empty_folders(const struct collection *c)
{
	const struct inventory *inv = &c->inventory;

	if (c->policy->dry_run || c->result->victims == 0)
		return;
	for (size_t i = 0; i < inv->records.len; i++)
		remove_empty_folder(c, inv->records.items[i].path);
	for (size_t i = 0; i < inv->files.len; i++)
		if (inv->files.items[i].kind == INVENTORY_BLOB)
			remove_empty_folder(c, inv->files.items[i].path);
}

static struct err *take_all(struct collection *c)
{
	list_candidates(c);
	for (size_t i = 0; i < c->candidates.len; i++)
		if (is_wanted(c, &c->candidates.items[i]))
			TRY(take(c, &c->candidates.items[i]));
	remove_empty_folders(c);
	return NULL;
}

/* For `why`; after the locks are released. */
static void note_evicted(const struct collection *c)
{
	for (size_t i = 0; i < c->evicted.len; i++)
		history_note_evicted(c->store, &c->evicted.items[i], c->policy->reason);
}

/* ---- another format's ---- */

/* Take what is neither a record nor a log.  Nothing is left once no process needs any of
 * it, and no process is running that may be of that release and write more. */
static struct err *take_older(struct collection *c)
{
	if (!c->has_older || c->policy->dry_run)
		return NULL;
	TRY(older_drop_files(c->store));
	return c->result->needed + c->leases.alive == 0 ? older_forget(c->store) : NULL;
}

/* ---- the collection ---- */

static struct err *choose_and_hide(struct collection *c)
{
	CLEANUP(closep) int lock = -1;

	if (!c->policy->dry_run)
		TRY(lease_lock(c->store, &lock));
	TRY(lease_set_read(c->store, &c->leases));
	TRY(inventory_look(&c->inventory, c->store));
	c->result->alive = c->leases.alive;
	TRY(hold_for_failed(c));
	c->has_older = older_is_left(c->store);
	c->raised_ns = older_raised_ns(c->store);
	TRY(take_all(c));
	return take_older(c);
}

struct err *gc_run(const struct store *s, const struct gc_policy *policy,
		   struct gc_result *out)
{
	CLEANUP(collection_release)
	struct collection c = {
		.store = s,
		.policy = policy,
		.result = out,
		.inventory = INVENTORY_INIT,
		.leases = LEASE_SET_INIT,
		.failed = FAILED_LIST_INIT,
		.trash = SCRATCH_INIT,
	};
	CLEANUP(closep) int lock = -1;
	struct usage_report report;

	*out = (struct gc_result){0};
	/* Locks are files: a dry run does without. */
	if (!policy->dry_run)
		TRY(gc_lock(s, &lock));
	TRY(usage_measure(s, USAGE_QUICK, &report));
	out->before = c.now = report.total;
	TRY(inventory_look(&c.inventory, s));
	TRY(err_wrap(choose_and_hide(&c), "cache folder '%s'", s->dir));
	if (!policy->dry_run)
		note_evicted(&c);
	return NULL;
}
