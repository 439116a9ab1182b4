/* SPDX-License-Identifier: MIT
 * oci_layers.c - see oci_layers.h.
 *
 * A layer that can stand alone becomes a store layer of its own, named after its diffID
 * and shared by every image that has it.  A layer that cannot (it writes through a link
 * of a layer below, or links to a file there) is applied onto its mounted parents; the
 * result depends on them, so it is named after the ChainID: the digest over all diffIDs
 * up to it (OCI image specification, "Layer ChainID").
 *
 * These names say what an archive holds.  Where the disk holds less, since this user
 * lacks an owner, may not make a device, or the filesystem has no place for an attribute,
 * a layer is called by what it holds here, as a step's is; so is one that was applied
 * onto such a layer, from which it may have copied.
 *
 * All layers are fetched and tried alone in parallel; then the chain is put together from
 * the bottom, where those that need parents are applied, one after the other.
 *
 * A chain that is mounted has a limit (SNAPSHOT_MAX), and steps come on top.  If an image
 * has more layers than LAYERS_MAX, the lowest are applied one after the other to one
 * folder, as tools without overlayfs do; it becomes one layer, named after the ChainID of
 * the last of them.  It is the lowest, since all layers above can then stand alone as
 * before; these are fetched in parallel, too.
 */
#include "engine/agent/oci_layers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/path.h"
#include "cache/blob.h"
#include "engine/agent/unpacked.h"
#include "engine/tree/overlay.h"
#include "engine/unpack/unpack.h"

struct layer_job {
	const struct oci_descriptor *blob;
	struct digest diff_id;
	bool is_first;
	struct unpacked made;		     /* set by bring_alone() */
	_Atomic uint64_t received, unpacked; /* compressed bytes */
};

/* The most layers of a base; the rest of a chain is for the steps on top. */
enum { LAYERS_MAX = SNAPSHOT_MAX - 20 };

struct bringing {
	const struct oci_layers_request *request;
	struct layer_job *jobs;
	size_t n;
	uint64_t total; /* compressed bytes of all layers */
	/* How many of the lowest become one: 0, or at least 2. */
	size_t n_merged;
	struct layer_job merged; /* the layer that they become, `diff_id` is the
				    ChainID */
};

/* For the callbacks of one job. */
struct job_watch {
	struct bringing *all;
	struct layer_job *job;
	struct task *task;
};

static void report(const struct job_watch *w)
{
	uint64_t received = 0, unpacked = 0;

	for (size_t i = 0; i < w->all->n; i++) {
		received += w->all->jobs[i].received;
		unpacked += w->all->jobs[i].unpacked;
	}
	if (received < w->all->total)
		task_progress(w->task, "downloading", received, w->all->total);
	else
		task_progress(w->task, "unpacking", unpacked, w->all->total);
}

static void on_received(void *context, uint64_t done, uint64_t total)
{
	struct job_watch *w = context;

	(void)total;
	w->job->received = done;
	report(w);
}

static void on_unpacked(void *context, uint64_t done)
{
	struct job_watch *w = context;

	w->job->unpacked = done;
	report(w);
}

static void on_note(void *context, const char *text)
{
	struct job_watch *w = context;

	task_note(w->task, "%s", text);
}

/* The bottom layer is unpacked by other rules: see unpack.h. */
static struct digest alone_key(const struct agent_context *c, const struct layer_job *job)
{
	return unpacked_key(c, job->is_first ? "oci first layer" : "oci layer",
			    &job->diff_id);
}

static struct err *fetch_blob(const struct bringing *all, struct job_watch *watch)
{
	const struct agent_context *c = all->request->context;
	struct registry_watch w = {
		.cancel = task_cancel(watch->task),
		.progress = on_received,
		.note = on_note,
		.context = watch,
	};

	if (!blob_exists(c->store, &watch->job->blob->digest))
		TRY(all->request->fetch(all->request->source, watch->job->blob, &w));
	on_received(watch, watch->job->blob->size, watch->job->blob->size);
	return NULL;
}

static struct err *unpack(const struct bringing *all, struct job_watch *watch,
			  const char *target, const char *merged,
			  struct unpack_result *result)
{
	CLEANUP(closep) int fd = -1;
	struct unpack_request request = {
		.blob_size = watch->job->blob->size,
		.diff_id = watch->job->diff_id,
		.target = target,
		.merged = merged,
		.is_first = watch->job->is_first,
		.max_file = all->request->context->max_file,
		.cancel = task_cancel(watch->task),
		.progress = on_unpacked,
		.context = watch,
	};
	char text[DIGEST_TEXT_SIZE];

	TRY(blob_open(all->request->context->store, &watch->job->blob->digest, &fd,
		      NULL));
	request.blob_fd = fd;
	TRY(err_wrap(unpack_layer(&request, result), "layer '%s'",
		     digest_format(&watch->job->blob->digest, text)));
	watch->job->made.is_less |= !unpack_is_exact(result);
	if (result->skipped > 0)
		task_note(watch->task,
			  "%llu device files of a layer are left out: only real root can "
			  "make them",
			  (unsigned long long)result->skipped);
	return NULL;
}

static struct err *make_alone(struct bringing *all, struct job_watch *watch,
			      const struct digest *key)
{
	CLEANUP(scratch_release) struct scratch scratch = SCRATCH_INIT;
	CLEANUP(freep) char *target = NULL;
	const struct agent_context *c = all->request->context;
	struct unpack_result result = {0};

	TRY(fetch_blob(all, watch));
	TRY(scratch_new(c->store, &scratch));
	if (mkdirat(scratch.fd, "upper", 0755) != 0)
		return err_sys("'%s'", scratch.path);
	target = path_join(scratch.path, "upper");
	TRY(unpack(all, watch, target, NULL, &result));
	watch->job->made.needs_parents = result.needs_parents;
	watch->job->made.has_root = result.has_root;
	if (!result.needs_parents)
		TRY(unpacked_publish(&scratch, watch->task, true, &watch->job->made));
	return unpacked_save(c, key, &watch->job->made);
}

/* One of the layers that will be merged, unless that was done before. */
static struct err *bring_merged_part(struct bringing *all, struct job_watch *watch)
{
	if (all->merged.made.layer.len == 0)
		return fetch_blob(all, watch);
	on_unpacked(watch, watch->job->blob->size);
	on_received(watch, watch->job->blob->size, watch->job->blob->size);
	return NULL;
}

/* Child task: put layer `index` into the store, if it can stand alone. */
static struct err *bring_alone(void *context, size_t index, struct task *task)
{
	struct bringing *all = context;
	struct layer_job *job = &all->jobs[index];
	const struct agent_context *c = all->request->context;
	struct job_watch watch = {all, job, task};
	struct digest key = alone_key(c, job);
	struct err *e = NULL;
	bool waited;

	if (index < all->n_merged)
		return bring_merged_part(all, &watch);
	TRY(flight_enter(c->flights, &key, task, &waited));
	if (!unpacked_load(c, &key, &job->made))
		e = make_alone(all, &watch, &key);
	flight_leave(c->flights, &key, e);
	job->received = job->blob->size;
	job->unpacked = job->made.needs_parents ? 0 : job->blob->size;
	report(&watch);
	return e;
}

/* Does the layer, which says nothing of the root folder, agree with its parent's root? */
static bool root_agrees(const struct store *s, const struct snapshot *chain,
			const struct layer_job *job)
{
	CLEANUP(freep) char *below = NULL;
	CLEANUP(freep) char *own = NULL;
	struct stat a, b;

	if (job->made.has_root || chain->len == 0)
		return true;
	below = path_join(layer_root(s), chain->layers[chain->len - 1].name);
	own = path_join(layer_root(s), job->made.layer.layers[0].name);
	return stat(below, &a) == 0 && stat(own, &b) == 0 && a.st_mode == b.st_mode &&
	       a.st_uid == b.st_uid && a.st_gid == b.st_gid;
}

static struct err *apply_mounted(struct bringing *all, struct job_watch *watch,
				 const struct snapshot *chain,
				 const struct scratch *scratch)
{
	CLEANUP(freep) char *upper = path_join(scratch->path, "upper");
	CLEANUP(freep) char *work = path_join(scratch->path, "work");
	CLEANUP(freep) char *mount_point = path_join(scratch->path, "mnt");
	CLEANUP(freep) const char **names = xcalloc(chain->len, sizeof(*names));
	struct overlay_spec spec = {
		.layer_root = layer_root(all->request->context->store),
		.layers = names,
		.n_layers = chain->len,
		.upper = upper,
		.work = work,
		.mount_point = mount_point,
	};
	struct unpack_result result = {0};
	struct err *e;

	for (size_t i = 0; i < chain->len; i++) {
		names[i] = chain->layers[i].name;
		watch->job->made.is_less |=
			!identity_is_foreign(&chain->layers[i].identity);
	}
	if (mkdirat(scratch->fd, "upper", 0755) != 0 ||
	    mkdirat(scratch->fd, "work", 0755) != 0 ||
	    mkdirat(scratch->fd, "mnt", 0755) != 0)
		return err_sys("'%s'", scratch->path);
	TRY(overlay_prepare_upper(&spec));
	TRY(overlay_mount(&spec));
	e = unpack(all, watch, upper, mount_point, &result);
	e = err_attach(e, overlay_unmount(mount_point));
	TRY(e);
	return overlay_finish_upper(upper);
}

static struct err *make_on_chain(struct bringing *all, struct job_watch *watch,
				 const struct snapshot *chain, const struct digest *key)
{
	CLEANUP(scratch_release) struct scratch scratch = SCRATCH_INIT;
	const struct agent_context *c = all->request->context;

	TRY(fetch_blob(all, watch));
	TRY(scratch_new(c->store, &scratch));
	TRY(apply_mounted(all, watch, chain, &scratch));
	TRY(unpacked_publish(&scratch, watch->task, true, &watch->job->made));
	return unpacked_save(c, key, &watch->job->made);
}

/* Apply the layer of `job` onto `chain`; `chain_id` is the last ChainID. */
static struct err *bring_on_chain(struct bringing *all, struct layer_job *job,
				  const struct snapshot *chain,
				  const struct digest *chain_id)
{
	const struct agent_context *c = all->request->context;
	struct job_watch watch = {all, job, c->task};
	struct digest key = unpacked_key(c, "oci chain", chain_id);
	struct err *e = NULL;
	bool waited;

	snapshot_release(&job->made.layer);
	TRY(flight_enter(c->flights, &key, c->task, &waited));
	if (!unpacked_load(c, &key, &job->made))
		e = make_on_chain(all, &watch, chain, &key);
	flight_leave(c->flights, &key, e);
	return e;
}

/* ---- the lowest of many ---- */

static struct digest merged_key(const struct bringing *all)
{
	return unpacked_key(all->request->context, "oci merged", &all->merged.diff_id);
}

static struct err *make_merged(struct bringing *all, const struct digest *key)
{
	CLEANUP(scratch_release) struct scratch scratch = SCRATCH_INIT;
	CLEANUP(freep) char *target = NULL;
	const struct agent_context *c = all->request->context;

	TRY(scratch_new(c->store, &scratch));
	if (mkdirat(scratch.fd, "upper", 0755) != 0)
		return err_sys("'%s'", scratch.path);
	target = path_join(scratch.path, "upper");
	for (size_t i = 0; i < all->n_merged; i++) {
		struct job_watch watch = {all, &all->jobs[i], c->task};
		struct unpack_result result = {0};

		/* It is there already, unless something has removed it. */
		TRY(fetch_blob(all, &watch));
		TRY(unpack(all, &watch, target, i > 0 ? target : NULL, &result));
		all->merged.made.is_less |= all->jobs[i].made.is_less;
	}
	TRY(unpacked_publish(&scratch, c->task, true, &all->merged.made));
	all->merged.made.has_root = true;
	return unpacked_save(c, key, &all->merged.made);
}

static struct err *bring_merged(struct bringing *all)
{
	const struct agent_context *c = all->request->context;
	struct digest key = merged_key(all);
	struct err *e = NULL;
	bool waited;

	if (all->merged.made.layer.len > 0)
		return NULL;
	TRY(flight_enter(c->flights, &key, c->task, &waited));
	if (!unpacked_load(c, &key, &all->merged.made))
		e = make_merged(all, &key);
	flight_leave(c->flights, &key, e);
	return e;
}

/* ---- stacking ---- */

static struct digest chain_id_next(const struct digest *chain_id,
				   const struct digest *diff_id)
{
	char text[2 * DIGEST_TEXT_SIZE], a[DIGEST_TEXT_SIZE], b[DIGEST_TEXT_SIZE];

	if (!digest_is_set(chain_id))
		return *diff_id;
	snprintf(text, sizeof(text), "%s %s", digest_format(chain_id, a),
		 digest_format(diff_id, b));
	return digest_bytes(DIGEST_SHA256, NULL, text, strlen(text));
}

/* overlayfs does not take a folder twice, but images do repeat layers, above all empty
 * ones. */
static bool is_in(const struct snapshot *chain, const struct layer_job *job)
{
	for (size_t i = 0; i < chain->len; i++)
		if (strcmp(chain->layers[i].name, job->made.layer.layers[0].name) == 0)
			return true;
	return false;
}

static void push(struct snapshot *out, const struct layer_job *job,
		 enum identity_kind kind, const struct digest *name)
{
	struct layer_id id = job->made.layer.layers[0];

	if (!id.identity.kind)
		id.identity = (struct identity){kind, *name, {0}};
	snapshot_push(out, &id);
}

/* The registry's names of an image's layers depend only on the image: on which of them
 * are applied onto others, which depends on what is in them and below. */
static struct err *stack(struct bringing *all, struct snapshot *out)
{
	const struct store *s = all->request->context->store;
	struct digest chain_id = all->merged.diff_id;

	if (all->n_merged > 0) {
		TRY(bring_merged(all));
		push(out, &all->merged, IDENTITY_CHAIN, &chain_id);
	}
	for (size_t i = all->n_merged; i < all->n; i++) {
		struct layer_job *job = &all->jobs[i];

		chain_id = chain_id_next(&chain_id, &job->diff_id);
		if (!job->made.needs_parents && !is_in(out, job) &&
		    root_agrees(s, out, job)) {
			push(out, job, IDENTITY_DIFF, &job->diff_id);
			continue;
		}
		TRY(bring_on_chain(all, job, out, &chain_id));
		push(out, job, IDENTITY_CHAIN, &chain_id);
	}
	return NULL;
}

/* Is the layer's blob there, or the layer itself in the form that is needed?  (Only when
 * its turn comes do we find out that a layer that stands alone must be applied after all,
 * since its parent's root folder has another owner.) */
static bool has_blob(const struct agent_context *c, const struct layer_job *job)
{
	return job->blob->data || blob_exists(c->store, &job->blob->digest);
}

static bool can_bring_offline(const struct agent_context *c, struct layer_job *job,
			      const struct digest *chain_id)
{
	struct digest alone = alone_key(c, job);
	struct digest chain = unpacked_key(c, "oci chain", chain_id);

	return has_blob(c, job) ||
	       (unpacked_load(c, &alone, &job->made) &&
		(!job->made.needs_parents || unpacked_load(c, &chain, &job->made)));
}

/* Without a network, report everything that is missing at once. */
static struct err *check_offline(struct bringing *all)
{
	const struct agent_context *c = all->request->context;
	struct digest chain_id = {0};
	uint64_t missing = 0;

	if (c->use_network)
		return NULL;
	for (size_t i = 0; i < all->n; i++) {
		struct layer_job *job = &all->jobs[i];

		chain_id = chain_id_next(&chain_id, &job->diff_id);
		if (i < all->n_merged)
			missing += all->merged.made.layer.len == 0 && !has_blob(c, job);
		else
			missing += !can_bring_offline(c, job, &chain_id);
	}
	if (missing == 0)
		return NULL;
	return err_hint(err_new(ERR_NETWORK,
				"%llu of %zu layers are missing from the cache, and no "
				"request may be made",
				(unsigned long long)missing, all->n),
			"run once without --offline: what is there already is not "
			"fetched again");
}

static void set_jobs(struct bringing *all)
{
	const struct oci_layers_request *request = all->request;

	all->jobs = xcalloc(all->n, sizeof(*all->jobs));
	for (size_t i = 0; i < all->n; i++) {
		all->jobs[i].blob = &request->manifest->layers[i];
		all->jobs[i].diff_id = request->config->diff_ids[i];
		all->jobs[i].is_first = i == 0;
		all->total += all->jobs[i].blob->size;
	}
}

static void plan_merging(struct bringing *all)
{
	const struct agent_context *c = all->request->context;
	struct digest *chain_id = &all->merged.diff_id, key;

	if (all->n <= LAYERS_MAX)
		return;
	all->n_merged = all->n - LAYERS_MAX + 1;
	for (size_t i = 0; i < all->n_merged; i++)
		*chain_id = chain_id_next(chain_id, &all->jobs[i].diff_id);
	key = merged_key(all);
	if (!unpacked_load(c, &key, &all->merged.made))
		task_note(c->task,
			  "the image has %zu layers: the lowest %zu become one, since no "
			  "more than %d can be mounted",
			  all->n, all->n_merged, SNAPSHOT_MAX);
}

struct err *oci_layers_bring(const struct oci_layers_request *request,
			     struct snapshot *out)
{
	struct bringing all = {.request = request, .n = request->manifest->n_layers};
	struct err *e;

	if (request->config->n_diff_ids != all.n)
		return err_new(ERR_CORRUPT,
			       "the manifest has %zu layers, the configuration %zu",
			       all.n, request->config->n_diff_ids);
	set_jobs(&all);
	plan_merging(&all);
	e = check_offline(&all);
	if (!e)
		e = task_parallel(request->context->task, all.n, bring_alone, &all);
	if (!e)
		e = stack(&all, out);
	/* Only when all are in place: a blob may be needed alone, and also on its
	 * parents. */
	for (size_t i = 0; !e && i < all.n; i++)
		blob_spend(request->context->store, &all.jobs[i].blob->digest);
	for (size_t i = 0; i < all.n; i++)
		snapshot_release(&all.jobs[i].made.layer);
	snapshot_release(&all.merged.made.layer);
	free(all.jobs);
	return e;
}
