/* SPDX-License-Identifier: MIT
 * tree_list.c - see tree_list.h.
 *
 * A walk is depth first and sorted, so that the things below one top-level entry come one
 * after the other, and neighbours share most of their paths: the encoding holds only the
 * difference.
 */
#include "engine/tree/tree_list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* Bytes of paths, for each of the two lists: what TREE_LIST_MAX ordinary ones take. */
static const size_t PATHS_MAX = MIB(4);
static const char REST[] = "(further entries)";

static uint64_t shorten(const struct digest *d)
{
	uint64_t value;

	memcpy(&value, d->bytes, sizeof(value));
	return value > 0 ? value : 1;
}

uint64_t tree_list_digest(const struct tree_list *l, const void *data, size_t size)
{
	struct digest d = digest_bytes(DIGEST_XXH3, l->secret, data, size);

	return shorten(&d);
}

static void push(struct tree_item **items, size_t *len, size_t *cap,
		 const struct tree_item *item)
{
	if (*len == *cap) {
		*cap = *cap > 0 ? 2 * *cap : 64;
		*items = xreallocarray(*items, *cap, sizeof(**items));
	}
	(*items)[(*len)++] = *item;
}

static void free_items(struct tree_item *items, size_t len)
{
	for (size_t i = 0; i < len; i++)
		free(items[i].path);
	free(items);
}

void tree_list_release(struct tree_list *l)
{
	free_items(l->items, l->len);
	free_items(l->tops, l->n_tops);
	*l = (struct tree_list){0};
}

static char *joined(const char *source, struct str path)
{
	const char *slash =
		path.len > 0 && !str_ends_with(str_of(source), "/") ? "/" : "";

	return xasprintf("%s%s%.*s", source, slash, STR_ARG(path));
}

/* Add the item's description to the digest of the top-level entry it lies in. */
static void fold(const struct tree_list *l, struct tree_item *top, const char *path,
		 const struct tree_item *item)
{
	CLEANUP(hasher_freep) struct hasher *h = hasher_new(DIGEST_XXH3, l->secret);
	struct digest d;

	hasher_add_u64(h, top->digest);
	hasher_add_str(h, path);
	hasher_add_u64(h, (uint64_t)item->type);
	hasher_add_u64(h, item->mode);
	hasher_add_u64(h, item->size);
	hasher_add_u64(h, item->digest);
	d = hasher_final(h);
	top->digest = shorten(&d);
	top->size += item->size;
}

static void add_to_top(struct tree_list *l, const char *source, const char *path,
		       const struct tree_item *item)
{
	struct str first, rest;
	CLEANUP(freep) char *name = NULL;
	struct tree_item top = {.type = '*'};

	str_cut(str_of(path), '/', &first, &rest);
	name = joined(source, first);
	if (l->n_tops == 0 || strcmp(l->tops[l->n_tops - 1].path, name) != 0) {
		l->top_bytes += strlen(name);
		if (l->n_tops < TREE_LIST_MAX && l->top_bytes <= PATHS_MAX) {
			top.path = STEAL(name);
			push(&l->tops, &l->n_tops, &l->cap_tops, &top);
		} else if (l->n_tops == 0 ||
			   strcmp(l->tops[l->n_tops - 1].path, REST) != 0) {
			top.path = xstrdup(REST);
			push(&l->tops, &l->n_tops, &l->cap_tops, &top);
		}
	}
	fold(l, &l->tops[l->n_tops - 1], path, item);
}

void tree_list_add(struct tree_list *l, const char *source, const char *path,
		   const struct tree_item *item)
{
	struct tree_item copy = *item;

	add_to_top(l, source, path, item);
	if (l->is_coarse)
		return;
	l->bytes += strlen(source) + strlen(path);
	if (l->len == TREE_LIST_MAX || l->bytes > PATHS_MAX) {
		free_items(l->items, l->len);
		l->items = NULL;
		l->len = l->cap = 0;
		l->is_coarse = true;
		return;
	}
	copy.path = joined(source, str_of(path));
	push(&l->items, &l->len, &l->cap, &copy);
}

/* ---- as JSON ---- */

static size_t shared_bytes(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] && a[n] == b[n])
		n++;
	return n;
}

static cJSON *encode(const struct tree_item *items, size_t len)
{
	cJSON *array = cJSON_CreateArray();
	const char *before = "";

	for (size_t i = 0; i < len; i++) {
		const struct tree_item *item = &items[i];
		size_t shared = shared_bytes(before, item->path);
		CLEANUP(freep)
		char *text = xasprintf("%zu %c %o %" PRIu64 " %" PRIx64 " %s", shared,
				       item->type, item->mode, item->size, item->digest,
				       item->path + shared);

		cJSON_AddItemToArray(array, cJSON_CreateString(text));
		before = item->path;
	}
	return array;
}

cJSON *tree_list_json(const struct tree_list *l)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddBoolToObject(json, "coarse", l->is_coarse);
	cJSON_AddItemToObject(json, "items",
			      l->is_coarse ? encode(l->tops, l->n_tops)
					   : encode(l->items, l->len));
	return json;
}

/* Take a number and the blank after it off the front of `*text`. */
static bool take_number(const char **text, int base, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(*text, &end, base);
	if (errno != 0 || end == *text || *end != ' ')
		return false;
	*text = end + 1;
	return true;
}

static bool decode(const char *text, const char *before, struct tree_item *out)
{
	uint64_t shared, mode;

	*out = (struct tree_item){0};
	if (!take_number(&text, 10, &shared) || shared > strlen(before) || !text[0] ||
	    text[1] != ' ')
		return false;
	out->type = text[0];
	text += 2;
	if (!take_number(&text, 8, &mode) || !take_number(&text, 10, &out->size) ||
	    !take_number(&text, 16, &out->digest))
		return false;
	out->mode = (uint32_t)mode;
	out->path = xasprintf("%.*s%s", (int)shared, before, text);
	return true;
}

bool tree_list_parse(const cJSON *json, struct tree_list *out)
{
	const cJSON *item, *items = json_array(json, "items");
	const char *before = "";

	if (!items)
		return false;
	out->is_coarse = json_bool(json, "coarse", false);
	cJSON_ArrayForEach(item, items)
	{
		struct tree_item entry;
		const char *text = cJSON_GetStringValue(item);

		if (!text || !decode(text, before, &entry)) {
			tree_list_release(out);
			return false;
		}
		push(&out->items, &out->len, &out->cap, &entry);
		before = entry.path;
	}
	return true;
}
