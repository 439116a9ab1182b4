/* SPDX-License-Identifier: MIT
 * chain.c - see chain.h.
 *
 * A base brings at most 100 layers (agent/oci_layers.c), so this is for stages with many
 * steps.  Many layers are merged at a time, so that it happens seldom.  The result is a
 * copy of what they hold; it is kept under a key made of them, so that another step on
 * top of them does not need to do it again.
 *
 * Rejected: links to the files of the layers instead of copies.  They would give each
 * file a second name, which scripts see, and which would be in the image's link counts
 * as long as the layers are there.
 */
#include "engine/work/chain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "cache/record.h"
#include "engine/tree/links.h"
#include "engine/tree/tree_clone.h"
#include "engine/work/mounted.h"

/* How many of the upper layers of a chain that is too long stay as they are. */
enum { KEPT = SNAPSHOT_MAX / 2 };

static struct digest key_of(const struct snapshot *lowest)
{
	CLEANUP(key_freep) struct key *key = key_new("merged chain");
	struct digest chain = snapshot_digest(lowest);

	key_set_digest(key, "chain", &chain);
	return key_final(key);
}

static bool load(const struct work *w, struct task *task, const struct digest *key,
		 struct snapshot *out)
{
	CLEANUP(json_freep) cJSON *record = NULL;
	struct err *e = record_load(w->options.store, key, &record);

	if (!e && (!record_has_ids(record, w->options.id_map) ||
		   !record_to_snapshot(json_array(record, "layers"), out)))
		e = err_new(ERR_CORRUPT, "its record names no layers of ours");
	if (!e)
		e = snapshot_check(w->options.store, out, cancel_stop(task_cancel(task)));
	if (e) {
		err_ignore(e, "merged again");
		snapshot_release(out);
		return false;
	}
	record_adopt(w->options.store, key, record);
	return true;
}

static void on_copied(void *context, uint64_t done)
{
	task_progress(context, "merging layers", done, 0);
}

static struct err *open_new(const struct scratch *scratch, const char *name, int *fd)
{
	if (mkdirat(scratch->fd, name, 0700) != 0)
		return err_sys("make '%s/%s'", scratch->path, name);
	return fs_open(scratch->fd, name, O_RDONLY | O_DIRECTORY, 0, fd);
}

static struct err *merge(const struct work *w, struct task *task,
			 const struct snapshot *lowest, struct layer_id *out)
{
	CLEANUP(mounted_release) struct mounted m = MOUNTED_INIT;
	CLEANUP(closep) int to = -1, aside = -1;
	struct clone_request request = {
		.stop = cancel_stop(task_cancel(task)),
		.progress = on_copied,
		.context = task,
	};
	struct seal_request layer = {
		.store = w->options.store,
		.name = "merged",
		.has_name = true, /* see name_merged() */
		.stop = request.stop,
	};

	TRY(mounted_open(w, lowest, false, &m));
	TRY(open_new(&m.scratch, "merged", &to));
	TRY(open_new(&m.scratch, "aside", &aside));
	request.from_fd = m.root_fd;
	request.to_fd = to;
	request.aside_fd = aside;
	TRY(tree_clone(&request));
	TRY(mounted_close(&m));
	TRY(mounted_check_read(w, task, lowest));
	TRY(fs_remove_tree(m.scratch.fd, "aside"));
	TRY(links_mark(to, &request.stop));
	layer.dir_fd = m.scratch.fd;
	return layer_publish(&layer, out);
}

static struct err *make(const struct work *w, struct task *task, const struct digest *key,
			const struct snapshot *lowest, struct snapshot *out)
{
	CLEANUP(json_freep) cJSON *record = cJSON_CreateObject();
	struct layer_id id;

	TRY(merge(w, task, lowest, &id));
	snapshot_push(out, &id);
	cJSON_AddStringToObject(record, "kind", "merged chain");
	cJSON_AddItemToObject(record, "layers", record_snapshot(out));
	record_set_ids(record, w->options.id_map);
	return record_save(w->options.store, key, record);
}

/* What the layer holds follows from the layers it was made of, which have identities. */
static struct err *name_merged(const struct work *w, struct task *task,
			       const struct snapshot *lowest, struct layer_id *merged)
{
	CLEANUP(hasher_freep) struct hasher *h = hasher_new(DIGEST_SHA256, NULL);

	hasher_add_str(h, "merged");
	for (size_t i = 0; i < lowest->len; i++) {
		struct identity id = lowest->layers[i].identity;

		id.times = (struct digest){0};
		identity_add(h, &id);
	}
	merged->identity = (struct identity){IDENTITY_MERGED, hasher_final(h), {0}};
	return work_add_times(w, task, merged);
}

struct err *chain_shorten(const struct work *w, struct task *task, struct snapshot *chain)
{
	CLEANUP(snapshot_release) struct snapshot merged = SNAPSHOT_INIT;
	struct snapshot lowest = *chain;
	struct digest key;
	struct err *e = NULL;
	bool waited;

	if (chain->len <= SNAPSHOT_MAX)
		return NULL;
	lowest.len -= KEPT;
	key = key_of(&lowest);
	TRY(flight_enter(w->flights, &key, task, &waited));
	if (!load(w, task, &key, &merged)) {
		task_note(task,
			  "no more than %d layers can be mounted: the lowest %zu become "
			  "one",
			  SNAPSHOT_MAX, lowest.len);
		e = make(w, task, &key, &lowest, &merged);
	}
	flight_leave(w->flights, &key, e);
	TRY(e);
	TRY(name_merged(w, task, &lowest, &merged.layers[0]));
	for (size_t i = lowest.len; i < chain->len; i++)
		snapshot_push(&merged, &chain->layers[i]);
	snapshot_release(chain);
	*chain = merged;
	merged = (struct snapshot)SNAPSHOT_INIT;
	return NULL;
}
