/* SPDX-License-Identifier: MIT
 * verify.c - see verify.h.
 *
 * Something that a running process uses may be damaged, too.  It is set aside all the
 * same: a mounted layer survives that, and the next check finds the records that such a
 * process still writes on top of it.
 */
#include "cache/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/path.h"
#include "base/str.h"
#include "cache/gc.h"
#include "cache/inventory.h"
#include "cache/seal.h"
#include "cache/store_private.h"

static const char ASIDE[] = ".damaged";
static const uint64_t BLOB_MAX = UINT64_C(1) << 50; /* bytes */

struct verify_check {
	const struct store *store;
	const struct verify_options *options;
	struct verify_result *result;
	struct inventory inventory;
	struct scratch trash;
	struct map bad_layers; /* by name */
	size_t removed;
};

static void check_release(struct verify_check *c)
{
	inventory_release(&c->inventory);
	scratch_release(&c->trash);
	map_release(&c->bad_layers);
}

static void found(struct verify_check *c, const char *kind, const char *name,
		  const char *what)
{
	struct verify_finding finding = {kind, name, what};

	c->result->damaged++;
	if (c->options->show)
		c->options->show(c->options->context, &finding);
}

static struct err *remove_path(struct verify_check *c, const char *path)
{
	char name[24];

	if (c->trash.fd < 0)
		TRY(scratch_new(c->store, &c->trash));
	snprintf(name, sizeof(name), "%zu", c->removed++);
	if (renameat(c->store->fd, path, c->trash.fd, name) != 0 && errno != ENOENT)
		return err_sys("'%s'", path);
	return NULL;
}

/* Take it from its name, in any case. */
static struct err *set_aside(struct verify_check *c, const char *path)
{
	CLEANUP(freep) char *aside = xasprintf("%s%s", path, ASIDE);

	if (c->options->repair)
		return remove_path(c, path);
	if (str_ends_with(str_of(path), ASIDE))
		return NULL;
	if (renameat(c->store->fd, path, c->store->fd, aside) != 0 && errno != ENOENT)
		return err_sys("'%s'", path);
	return NULL;
}

/* ---- blobs ---- */

static struct err *blob_is_right(struct verify_check *c, const char *path,
				 const char **what)
{
	CLEANUP(closep) int fd = -1;
	CLEANUP(freep) char *text = NULL;
	struct digest want, got;
	const char *name = path_base(path);
	struct err *e;

	text = xasprintf("sha256:%.2s%s", name - 3, name);
	*what = "it was set aside earlier";
	if (str_ends_with(str_of(path), ASIDE))
		return NULL;
	*what = "its name is not a digest";
	if (!digest_parse(str_of(text), &want))
		return NULL;
	TRY(fs_open(c->store->fd, path, O_RDONLY, 0, &fd));
	e = digest_fd(fd, BLOB_MAX, DIGEST_SHA256, NULL, &got, NULL);
	*what = e ? "it cannot be read" : "its content does not match its digest";
	if (!e && digest_equal(&want, &got))
		*what = NULL;
	err_ignore(e, "reported as damage");
	return NULL;
}

static struct err *check_blob(struct verify_check *c, const struct inventory_file *file)
{
	const char *what = NULL;
	struct err *e;

	e = blob_is_right(c, file->path, &what);
	if (e && err_code(e) == ERR_NOTFOUND) {
		err_ignore(e, "removed meanwhile");
		return NULL;
	}
	TRY(e);
	c->result->blobs++;
	if (!what)
		return NULL;
	found(c, "blob", file->path + strlen("blobs/"), what);
	return set_aside(c, file->path);
}

/* ---- layers ---- */

static const char *compare_seal(struct verify_check *c, const char *path)
{
	struct seal_request request = {
		.store = c->store,
		.dir_fd = c->store->fd,
		.name = path,
	};
	struct seal want, got;
	struct err *e = seal_read(c->store->fd, path, &want);

	if (e) {
		err_ignore(e, "reported as damage");
		return "it has no seal";
	}
	/* Nothing uses such a layer any more: see STORE_FORMAT. */
	if (!seal_is_comparable(&want))
		return NULL;
	/* A registry's layer has no identity to compare. */
	request.has_name = !digest_is_set(&want.tree);
	e = seal_compute(&request, &got);
	if (e) {
		err_ignore(e, "reported as damage");
		return "it cannot be read";
	}
	return digest_equal(&want.digest, &got.digest) &&
			       digest_equal(&want.tree, &got.tree)
		       ? NULL
		       : "it has changed since it was made";
}

static struct err *check_layer(struct verify_check *c,
			       const struct inventory_layer *layer)
{
	CLEANUP(freep) char *path = path_join("layers", layer->name);
	bool is_aside = str_ends_with(str_of(layer->name), ASIDE);
	const char *what = is_aside ? "it was set aside earlier" : compare_seal(c, path);

	if (what && faccessat(c->store->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return NULL; /* removed meanwhile */
	c->result->layers++;
	if (!what)
		return NULL;
	found(c, "layer", layer->name, what);
	if (!is_aside)
		map_set(&c->bad_layers, layer->name, (void *)layer);
	return NULL;
}

/* Call it after their records are gone: a record never names a layer that is not
 * there. */
static struct err *set_layers_aside(struct verify_check *c)
{
	for (size_t i = 0; i < c->inventory.layers.len; i++) {
		const struct inventory_layer *layer = &c->inventory.layers.items[i];
		CLEANUP(freep) char *path = path_join("layers", layer->name);

		if (map_get(&c->bad_layers, layer->name) ||
		    (c->options->repair && str_ends_with(str_of(layer->name), ASIDE)))
			TRY(set_aside(c, path));
	}
	return NULL;
}

/* ---- records ---- */

static bool is_built_on_damage(const struct verify_check *c,
			       const struct inventory_record *r)
{
	for (size_t i = 0; i < r->chain.len; i++)
		if (map_get(&c->bad_layers, r->chain.layers[i].name))
			return true;
	return false;
}

static bool misses_layer(const struct verify_check *c, const struct inventory_record *r)
{
	for (size_t i = 0; i < r->chain.len; i++)
		if (!inventory_find_layer(&c->inventory, r->chain.layers[i].name) &&
		    !layer_exists(c->store, &r->chain.layers[i]))
			return true;
	return false;
}

static struct err *check_record(struct verify_check *c, const struct inventory_record *r)
{
	const char *what = NULL;

	if (r->is_damaged)
		what = "it is not a record of its key";
	else if (misses_layer(c, r))
		what = "a layer that it names is missing";
	/* Look again: it may have been removed, or written again, meanwhile. */
	if (what && faccessat(c->store->fd, r->path, F_OK, 0) != 0)
		return NULL;
	c->result->records++;
	if (what) {
		found(c, "record", r->path + strlen("records/"), what);
		return c->options->repair ? remove_path(c, r->path) : NULL;
	}
	if (!is_built_on_damage(c, r))
		return NULL;
	c->result->dropped++;
	return remove_path(c, r->path);
}

static struct err *check_all(struct verify_check *c)
{
	const struct inventory *inv = &c->inventory;

	TRY(inventory_look(&c->inventory, c->store));
	for (size_t i = 0; i < inv->files.len; i++)
		if (inv->files.items[i].kind == INVENTORY_BLOB)
			TRY(check_blob(c, &inv->files.items[i]));
	for (size_t i = 0; i < inv->layers.len; i++)
		TRY(check_layer(c, &inv->layers.items[i]));
	for (size_t i = 0; i < inv->records.len; i++)
		TRY(check_record(c, &inv->records.items[i]));
	return set_layers_aside(c);
}

struct err *verify_run(const struct store *s, const struct verify_options *options,
		       struct verify_result *out)
{
	CLEANUP(check_release)
	struct verify_check c = {
		.store = s,
		.options = options,
		.result = out,
		.inventory = INVENTORY_INIT,
		.trash = SCRATCH_INIT,
		.bad_layers = MAP_INIT,
	};
	CLEANUP(closep) int lock = -1;

	*out = (struct verify_result){0};
	TRY(gc_lock(s, &lock));
	return err_wrap(check_all(&c), "cache folder '%s'", s->dir);
}
