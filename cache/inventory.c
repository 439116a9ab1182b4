/* SPDX-License-Identifier: MIT
 * inventory.c - see inventory.h.
 */
#include "cache/inventory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/dir.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/path.h"
#include "cache/record.h"
#include "cache/seal.h"
#include "cache/store_names.h"
#include "cache/store_private.h"

static const size_t RECORD_MAX = (size_t)64 << 20;

static int64_t nanoseconds(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

static struct usage usage_of(const struct stat *st)
{
	return (struct usage){(uint64_t)st->st_blocks * 512, 1};
}

/* ---- folders ---- */

typedef struct err *(*entry_fn)(struct inventory *inv, const char *path,
				const char *name);

/* Call `fn` for each entry of `folder`, which may be missing; skip what is not ours. */
static struct err *for_each(struct inventory *inv, const char *folder, entry_fn fn)
{
	CLEANUP(dir_closep) DIR *dir = dir_open(inv->store->fd, folder, 0);
	const char *name;

	if (!dir)
		return errno == ENOENT ? NULL : err_sys("'%s'", folder);
	while ((name = dir_next(dir)) != NULL) {
		CLEANUP(freep) char *path = path_join(folder, name);

		if (store_name_of(path) != STORE_NAME_STRANGE)
			TRY(fn(inv, path, name));
	}
	return errno ? err_sys("read '%s'", folder) : NULL;
}

/* ---- records ---- */

static void record_release(struct inventory_record *r)
{
	free(r->path);
	free(r->hex);
	free(r->kind);
	free(r->step);
	snapshot_release(&r->chain);
}

static char *text_of(const cJSON *record, const char *name)
{
	const char *text = json_string(record, name);

	return xstrdup(text ? text : "?");
}

static void describe(struct inventory_record *r, const cJSON *record)
{
	const char *key = json_string(record, "key");
	const cJSON *chain = json_array(record, "snapshot");
	uint64_t made = 0;

	if (!chain)
		chain = json_array(record, "layers");
	r->kind = text_of(record, "kind");
	r->step = text_of(record, "step");
	json_u64(record, "made_ms", &made);
	r->made_ms = (int64_t)made;
	r->is_damaged = !key || strcmp(key, r->hex) != 0 ||
			(chain && !record_to_snapshot(chain, &r->chain));
}

static struct err *read_record(struct inventory_record *r, int fd)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(json_freep) cJSON *record = NULL;
	struct err *e;

	TRY(err_wrap(fs_read_fd(fd, RECORD_MAX, &text), "'%s'", r->path));
	e = json_parse(str_make(buf_text(&text), text.len), &record);
	describe(r, record);
	err_ignore(e, "listed as damaged");
	return NULL;
}

/* "records/ab/cdef.json" belongs to the key "abcdef". */
static char *hex_of(const char *path)
{
	const char *folder = path + strlen("records/");
	const char *name = folder + 3;

	return xasprintf("%.2s%.*s", folder, (int)(strlen(name) - strlen(".json")), name);
}

/* The record from an earlier look, if it has not changed. */
static struct inventory_record *find_record(const struct inventory *inv, const char *path,
					    const struct stat *st)
{
	struct inventory_record *r = map_get(&inv->record_index, path);

	return r && r->ino == st->st_ino && r->used_ns == nanoseconds(&st->st_mtim)
		       ? r
		       : NULL;
}

static void index_records(struct inventory *inv)
{
	for (size_t i = 0; i < inv->records.len; i++) {
		struct inventory_record *r = &inv->records.items[i];

		r->is_seen = false;
		map_set(&inv->record_index, r->path, r);
	}
}

static struct err *add_record(struct inventory *inv, const char *path, const char *name)
{
	CLEANUP(closep) int fd = openat(inv->store->fd, path, O_RDONLY | O_CLOEXEC);
	struct inventory_record r = {0}, *known;
	struct err *e;
	struct stat st;

	(void)name;
	if (fd < 0 || fstat(fd, &st) != 0)
		return errno == ENOENT ? NULL : err_sys("'%s'", path);
	known = find_record(inv, path, &st);
	if (known) {
		known->is_seen = true;
		return NULL;
	}
	r.path = xstrdup(path);
	r.hex = hex_of(path);
	r.usage = usage_of(&st);
	r.used_ns = nanoseconds(&st.st_mtim);
	r.ino = st.st_ino;
	r.is_seen = true;
	e = read_record(&r, fd);
	if (e)
		record_release(&r);
	else
		vec_push(&inv->fresh, r);
	return e;
}

static struct err *add_record_folder(struct inventory *inv, const char *path,
				     const char *name)
{
	(void)name;
	return for_each(inv, path, add_record);
}

static void settle_records(struct inventory *inv)
{
	size_t kept = 0;

	map_release(&inv->record_index);
	for (size_t i = 0; i < inv->records.len; i++) {
		if (inv->records.items[i].is_seen)
			inv->records.items[kept++] = inv->records.items[i];
		else
			record_release(&inv->records.items[i]);
	}
	inv->records.len = kept;
	for (size_t i = 0; i < inv->fresh.len; i++)
		vec_push(&inv->records, inv->fresh.items[i]);
	vec_free(&inv->fresh);
}

/* ---- layers ---- */

static struct err *add_layer(struct inventory *inv, const char *path, const char *name)
{
	struct inventory_layer layer = {.used_ns = INT64_MIN};
	struct seal seal;
	struct err *e;

	/* Older releases made it with a store.  Nothing uses it, and it takes no room. */
	if (strcmp(name, "empty") == 0)
		return NULL;
	e = seal_read(inv->store->fd, path, &seal);
	if (e) {
		err_ignore(e, "then it is looked at");
		TRY(usage_of_tree(inv->store->fd, path, &layer.usage));
	} else {
		layer.usage = seal.usage;
	}
	layer.name = xstrdup(name);
	vec_push(&inv->layers, layer);
	return NULL;
}

struct inventory_layer *inventory_find_layer(const struct inventory *inv,
					     const char *name)
{
	return map_get(&inv->layer_index, name);
}

static void count_refs(struct inventory *inv)
{
	map_release(&inv->layer_index);
	for (size_t i = 0; i < inv->layers.len; i++)
		map_set(&inv->layer_index, inv->layers.items[i].name,
			&inv->layers.items[i]);
	for (size_t i = 0; i < inv->records.len; i++) {
		const struct inventory_record *r = &inv->records.items[i];

		for (size_t j = 0; j < r->chain.len; j++) {
			struct inventory_layer *layer =
				inventory_find_layer(inv, r->chain.layers[j].name);

			if (!layer)
				continue;
			layer->refs++;
			if (r->used_ns > layer->used_ns)
				layer->used_ns = r->used_ns;
		}
	}
}

/* ---- files ---- */

static struct err *add_file(struct inventory *inv, const char *path,
			    enum inventory_kind kind)
{
	struct inventory_file file = {.kind = kind};
	struct stat st;

	if (fstatat(inv->store->fd, path, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? NULL : err_sys("'%s'", path);
	file.usage = usage_of(&st);
	file.used_ns = nanoseconds(&st.st_mtim);
	if (S_ISDIR(st.st_mode))
		TRY(usage_of_tree(inv->store->fd, path, &file.usage));
	file.path = xstrdup(path);
	vec_push(&inv->files, file);
	return NULL;
}

static struct err *add_blob(struct inventory *inv, const char *path, const char *name)
{
	(void)name;
	return add_file(inv, path, INVENTORY_BLOB);
}

static struct err *add_blob_folder(struct inventory *inv, const char *path,
				   const char *name)
{
	(void)name;
	return for_each(inv, path, add_blob);
}

static struct err *add_partial(struct inventory *inv, const char *path, const char *name)
{
	(void)name;
	return add_file(inv, path, INVENTORY_PARTIAL);
}

static struct err *add_log(struct inventory *inv, const char *path, const char *name)
{
	(void)name;
	return add_file(inv, path, INVENTORY_LOG);
}

static struct err *add_failed(struct inventory *inv, const char *path, const char *name)
{
	(void)name;
	return add_file(inv, path, INVENTORY_FAILED);
}

static void release_layers_and_files(struct inventory *inv)
{
	for (size_t i = 0; i < inv->layers.len; i++)
		free(inv->layers.items[i].name);
	for (size_t i = 0; i < inv->files.len; i++)
		free(inv->files.items[i].path);
	vec_free(&inv->layers);
	vec_free(&inv->files);
	map_release(&inv->layer_index);
}

static struct err *read_all(struct inventory *inv)
{
	/* Layers first: else a layer that is published meanwhile would be listed without
	 * its record. */
	TRY(for_each(inv, "layers", add_layer));
	TRY(for_each(inv, "records", add_record_folder));
	TRY(for_each(inv, "blobs/sha256", add_blob_folder));
	TRY(for_each(inv, "blobs/partial", add_partial));
	TRY(for_each(inv, "logs", add_log));
	return for_each(inv, "failed", add_failed);
}

struct err *inventory_look(struct inventory *inv, const struct store *s)
{
	struct err *e;

	inv->store = s;
	release_layers_and_files(inv);
	index_records(inv);
	e = read_all(inv);
	settle_records(inv);
	count_refs(inv);
	return e;
}

void inventory_release(struct inventory *inv)
{
	release_layers_and_files(inv);
	for (size_t i = 0; i < inv->records.len; i++)
		record_release(&inv->records.items[i]);
	vec_free(&inv->records);
}
