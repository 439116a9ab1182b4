/* SPDX-License-Identifier: MIT
 * sif_signed.c - see sif_signed.h.
 */
#include "engine/image/sif_signed.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/json.h"
#include "engine/image/sif_format.h"

enum { CHUNK = 256 * 1024 };

struct signed_group {
	int fd;
	const struct sif *sif;
	uint32_t group;
	uint32_t first_id; /* the lowest of the group: ids in the text are relative */
	size_t n_objects;
	struct stop stop;
};

/* Add `len` bytes of the file at `at`. */
static struct err *add_bytes(const struct signed_group *g, struct hasher *h, uint64_t at,
			     uint64_t len)
{
	CLEANUP(freep) unsigned char *chunk = xmalloc(CHUNK);

	while (len > 0) {
		size_t most = len < CHUNK ? (size_t)len : CHUNK;
		ssize_t n = pread(g->fd, chunk, most, (off_t)at);

		TRY(stop_ask(&g->stop));
		if (n < 0)
			return err_sys("read");
		if (n == 0)
			return err_new(ERR_CORRUPT, "the file ends within an object");
		hasher_update(h, chunk, (size_t)n);
		at += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return NULL;
}

/* Launch line, magic, version, and the image's id; not what changes with a new object. */
static struct err *digest_header(const struct signed_group *g, struct digest *out)
{
	CLEANUP(hasher_freep) struct hasher *h = hasher_new(DIGEST_SHA256, NULL);

	TRY(add_bytes(g, h, SIF_LAUNCH, SIF_ARCH - SIF_LAUNCH));
	TRY(add_bytes(g, h, SIF_UUID, SIF_CREATED - SIF_UUID));
	*out = hasher_final(h);
	return NULL;
}

/* All but the id, the group, the offset, the padding and the time of the last change; the
 * id relative to the group's first comes in the place of its own. */
static struct err *digest_row(const struct signed_group *g, const struct sif_object *o,
			      struct digest *out)
{
	CLEANUP(hasher_freep) struct hasher *h = hasher_new(DIGEST_SHA256, NULL);
	unsigned char id[4];

	sif_put_u32(id, o->id - g->first_id);
	TRY(add_bytes(g, h, o->row_at, SIF_ROW_ID));
	hasher_update(h, id, sizeof(id));
	TRY(add_bytes(g, h, o->row_at + SIF_ROW_LINK, SIF_ROW_OFFSET - SIF_ROW_LINK));
	TRY(add_bytes(g, h, o->row_at + SIF_ROW_BYTES, SIF_ROW_PADDED - SIF_ROW_BYTES));
	TRY(add_bytes(g, h, o->row_at + SIF_ROW_CREATED,
		      SIF_ROW_MODIFIED - SIF_ROW_CREATED));
	TRY(add_bytes(g, h, o->row_at + SIF_ROW_UID, SIF_ROW_SIZE - SIF_ROW_UID));
	*out = hasher_final(h);
	return NULL;
}

static struct err *digest_object(const struct signed_group *g, const struct sif_object *o,
				 struct digest *out)
{
	CLEANUP(hasher_freep) struct hasher *h = hasher_new(DIGEST_SHA256, NULL);

	TRY(add_bytes(g, h, o->offset, o->size));
	*out = hasher_final(h);
	return NULL;
}

static struct err *compare(const char *text, const struct digest *is, const char *what,
			   uint32_t id)
{
	struct digest said;

	if (!text || !digest_parse(str_of(text), &said) || said.kind != DIGEST_SHA256)
		return err_new(ERR_UNSUPPORTED,
			       "the signature has a digest that is not sha256");
	if (digest_equal(&said, is))
		return NULL;
	return id ? err_new(ERR_CORRUPT, "%s of object %u is not as it was signed", what,
			    id)
		  : err_new(ERR_CORRUPT, "%s is not as it was signed", what);
}

static const struct sif_object *find_object(const struct signed_group *g, uint64_t id)
{
	for (size_t i = 0; i < g->sif->n_objects; i++)
		if (g->sif->objects[i].group == g->group && g->sif->objects[i].id == id)
			return &g->sif->objects[i];
	return NULL;
}

static struct err *check_object(const struct signed_group *g, const cJSON *item)
{
	const struct sif_object *o;
	struct digest digest;
	uint64_t id = 0;

	if (!json_u64(item, "relativeId", &id) || id > UINT32_MAX ||
	    !(o = find_object(g, g->first_id + id)))
		return err_new(ERR_CORRUPT, "an object that was signed is not there");
	TRY(digest_row(g, o, &digest));
	TRY(compare(json_string(item, "descriptorDigest"), &digest, "the descriptor",
		    o->id));
	TRY(digest_object(g, o, &digest));
	return compare(json_string(item, "objectDigest"), &digest, "the content", o->id);
}

/* Each once: relative ids ascend in the text. */
static struct err *check_objects(const struct signed_group *g, const cJSON *items)
{
	const cJSON *item;
	uint64_t id = 0, next = 0;

	if ((size_t)cJSON_GetArraySize(items) != g->n_objects)
		return err_new(ERR_CORRUPT, "%d objects were signed, and there are %zu",
			       cJSON_GetArraySize(items), g->n_objects);
	cJSON_ArrayForEach(item, items)
	{
		TRY(check_object(g, item));
		if (!json_u64(item, "relativeId", &id) || id < next)
			return err_new(ERR_CORRUPT, "an object was signed twice");
		next = id + 1;
	}
	return NULL;
}

static void count_group(struct signed_group *g)
{
	for (size_t i = 0; i < g->sif->n_objects; i++) {
		const struct sif_object *o = &g->sif->objects[i];

		if (o->group != g->group)
			continue;
		if (g->n_objects++ == 0 || o->id < g->first_id)
			g->first_id = o->id;
	}
}

struct err *sif_check_signed(int fd, const struct sif *sif, uint32_t group,
			     struct str text, struct stop stop)
{
	struct signed_group g = {.fd = fd, .sif = sif, .group = group, .stop = stop};
	CLEANUP(json_freep) cJSON *tree = NULL;
	uint64_t version = 0;
	struct digest header;

	count_group(&g);
	TRY(json_parse(text, &tree));
	if (!json_u64(tree, "version", &version) || version != 1)
		return err_new(ERR_UNSUPPORTED,
			       "the signature is of a form that is not known");
	TRY(digest_header(&g, &header));
	TRY(compare(json_string(json_object(tree, "header"), "digest"), &header,
		    "the header", 0));
	return check_objects(&g, json_array(tree, "objects"));
}
