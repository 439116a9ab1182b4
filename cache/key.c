/* SPDX-License-Identifier: MIT
 * key.c - see key.h.
 */
#include "cache/key.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

/* Raise it when what is hashed, or what a step does with its inputs, changes. */
static const uint64_t FORMAT = 3;

struct part {
	const char *name; /* literal */
	struct digest value;
	char **texts; /* NULL when they are not kept */
	size_t n_texts;
};

struct key {
	const struct store *store;
	const char *kind;
	VEC(struct part) parts;
	bool keeps;
};

struct key *key_new(const struct store *s, const char *kind)
{
	struct key *k = xcalloc(1, sizeof(*k));

	k->store = s;
	k->kind = kind;
	return k;
}

void key_keep(struct key *k)
{
	k->keeps = true;
}

static void release_texts(struct part *part)
{
	for (size_t i = 0; i < part->n_texts; i++)
		free(part->texts[i]);
	free(part->texts);
}

void key_free(struct key *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->parts.len; i++)
		release_texts(&k->parts.items[i]);
	vec_free(&k->parts);
	free(k);
}

void key_freep(struct key **k)
{
	key_free(*k);
	*k = NULL;
}

static struct part *find_part(const struct key *k, const char *name)
{
	for (size_t i = 0; i < k->parts.len; i++)
		if (strcmp(k->parts.items[i].name, name) == 0)
			return &k->parts.items[i];
	return NULL;
}

static void set_part(struct key *k, const struct part *part)
{
	struct part *known = find_part(k, part->name);

	if (!known) {
		vec_push(&k->parts, *part);
		return;
	}
	release_texts(known);
	*known = *part;
}

static void keep_texts(struct part *part, const char *const *texts, size_t n)
{
	part->texts = xcalloc(n, sizeof(*part->texts));
	part->n_texts = n;
	for (size_t i = 0; i < n; i++)
		part->texts[i] = texts[i] ? xstrdup(texts[i]) : NULL;
}

void key_set_text(struct key *k, const char *name, const char *text)
{
	key_set_list(k, name, &text, 1);
}

void key_set_list(struct key *k, const char *name, const char *const *texts, size_t n)
{
	CLEANUP(hasher_freep)
	struct hasher *h = hasher_new(DIGEST_XXH3, store_secret(k->store));
	struct part part = {.name = name};

	hasher_add_u64(h, n);
	for (size_t i = 0; i < n; i++) {
		hasher_add_u64(h, texts[i] != NULL);
		hasher_add_str(h, texts[i] ? texts[i] : "");
	}
	part.value = hasher_final(h);
	if (k->keeps)
		keep_texts(&part, texts, n);
	set_part(k, &part);
}

void key_set_u64(struct key *k, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	key_set_text(k, name, text);
}

void key_set_digest(struct key *k, const char *name, const struct digest *value)
{
	char text[DIGEST_TEXT_SIZE];

	key_set_text(k, name, digest_format(value, text));
}

bool key_get(const struct key *k, const char *name, struct digest *out)
{
	const struct part *part = find_part(k, name);

	if (part)
		*out = part->value;
	return part != NULL;
}

const char *const *key_texts(const struct key *k, const char *name, size_t *n)
{
	const struct part *part = find_part(k, name);

	*n = part ? part->n_texts : 0;
	return part ? (const char *const *)part->texts : NULL;
}

const char *key_name(const struct key *k, size_t index)
{
	return index < k->parts.len ? k->parts.items[index].name : NULL;
}

struct digest key_final(const struct key *k)
{
	CLEANUP(hasher_freep)
	struct hasher *h = hasher_new(DIGEST_XXH3, store_secret(k->store));

	hasher_add_u64(h, FORMAT);
	hasher_add_str(h, k->kind);
	for (size_t i = 0; i < k->parts.len; i++) {
		const struct part *part = &k->parts.items[i];

		hasher_add_str(h, part->name);
		hasher_add(h, part->value.bytes, sizeof(part->value.bytes));
	}
	return hasher_final(h);
}

cJSON *key_parts(const struct key *k)
{
	cJSON *object = cJSON_CreateObject();
	char text[DIGEST_TEXT_SIZE];

	for (size_t i = 0; i < k->parts.len; i++)
		cJSON_AddStringToObject(object, k->parts.items[i].name,
					digest_hex(&k->parts.items[i].value, text));
	return object;
}
