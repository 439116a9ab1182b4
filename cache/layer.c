/* SPDX-License-Identifier: MIT
 * layer.c - see layer.h.
 */
#include "cache/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "cache/outline.h"
#include "cache/store_private.h"

static void layer_path(const struct layer_id *id, char *out, size_t size)
{
	snprintf(out, size, "layers/%s", id->name);
}

static bool is_there(const struct store *s, const struct layer_id *id)
{
	char path[32];

	layer_path(id, path, sizeof(path));
	return faccessat(s->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool layer_exists(const struct store *s, const struct layer_id *id)
{
	return store_claim(s, LEASE_LAYER, id->name) && is_there(s, id);
}

static struct err *check(const struct store *s, const struct layer_id *id,
			 struct stop stop)
{
	CLEANUP(closep) int root = -1;
	struct seal_request request = {.store = s, .name = id->name, .stop = stop};
	struct err *e;

	if (!layer_exists(s, id))
		return err_new(ERR_CORRUPT, "layer '%s' is gone", id->name);
	TRY(fs_open(s->fd, "layers", O_PATH | O_DIRECTORY, 0, &root));
	request.dir_fd = root;
	e = outline_check(&request);
	/* A folder that cannot be read to its end counts as one that lost files. */
	return e && err_code(e) != ERR_CANCELLED ? err_recode(e, ERR_CORRUPT) : e;
}

struct err *layer_publish(const struct seal_request *request, struct layer_id *out)
{
	const struct store *s = request->store;
	struct layer_id id = {0};
	struct seal seal;
	char path[32];

	fs_random_name(id.name, sizeof(id.name) - 1);
	layer_path(&id, path, sizeof(path));
	/* The seal covers the outline, too. */
	TRY(outline_make(request));
	TRY(seal_make(request, &seal));
	if (digest_is_set(&seal.tree))
		id.identity = (struct identity){IDENTITY_TREE, seal.tree, {0}};
	/* Name it before it is there: no record protects it yet. */
	if (s->lease)
		TRY(lease_add(s->lease, LEASE_LAYER, id.name));
	if (renameat2(request->dir_fd, request->name, s->fd, path, RENAME_NOREPLACE) != 0)
		return err_sys("layer '%s'", id.name);
	*out = id;
	return NULL;
}

void layer_withdraw(const struct store *s, const struct layer_id *id, int scratch_fd)
{
	char path[32];

	layer_path(id, path, sizeof(path));
	/* Where that fails it is garbage, which the collector finds. */
	(void)renameat(s->fd, path, scratch_fd, "withdrawn");
}

const char *layer_root(const struct store *s)
{
	return s->layer_root;
}

void snapshot_copy(struct snapshot *out, const struct snapshot *from)
{
	out->len = from->len;
	out->layers = xcalloc(from->len, sizeof(*out->layers));
	if (from->len > 0)
		memcpy(out->layers, from->layers, from->len * sizeof(*out->layers));
}

void snapshot_push(struct snapshot *chain, const struct layer_id *id)
{
	chain->layers =
		xreallocarray(chain->layers, chain->len + 1, sizeof(*chain->layers));
	chain->layers[chain->len++] = *id;
}

void snapshot_release(struct snapshot *chain)
{
	free(chain->layers);
	chain->layers = NULL;
	chain->len = 0;
}

bool snapshot_exists(const struct store *s, const struct snapshot *chain)
{
	for (size_t i = 0; i < chain->len; i++)
		if (!layer_exists(s, &chain->layers[i]))
			return false;
	return true;
}

bool snapshot_is_there(const struct store *s, const struct snapshot *chain)
{
	for (size_t i = 0; i < chain->len; i++)
		if (!is_there(s, &chain->layers[i]))
			return false;
	return true;
}

struct err *snapshot_check(const struct store *s, const struct snapshot *chain,
			   struct stop stop)
{
	for (size_t i = 0; i < chain->len; i++)
		TRY(check(s, &chain->layers[i], stop));
	return NULL;
}

bool snapshot_begins_with(const struct snapshot *chain, const struct snapshot *lower)
{
	if (lower->len > chain->len)
		return false;
	for (size_t i = 0; i < lower->len; i++)
		if (strcmp(chain->layers[i].name, lower->layers[i].name) != 0)
			return false;
	return true;
}

struct digest snapshot_digest(const struct snapshot *chain)
{
	CLEANUP(hasher_freep) struct hasher *h = hasher_new(DIGEST_SHA256, NULL);

	hasher_add_str(h, "snapshot");
	for (size_t i = 0; i < chain->len; i++)
		identity_add(h, &chain->layers[i].identity);
	return hasher_final(h);
}
