/* SPDX-License-Identifier: MIT
 * key.c - see key.h.
 */
#include "cache/key.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

/* Raise it when what is hashed, or what a step does with its inputs, changes. */
static const uint64_t FORMAT = 2;

struct part {
	const char *name; /* literal */
	struct digest value;
};

struct key {
	const struct store *store;
	const char *kind;
	VEC(struct part) parts;
};

struct key *key_new(const struct store *s, const char *kind)
{
	struct key *k = xcalloc(1, sizeof(*k));

	k->store = s;
	k->kind = kind;
	return k;
}

void key_free(struct key *k)
{
	if (!k)
		return;
	vec_free(&k->parts);
	free(k);
}

void key_freep(struct key **k)
{
	key_free(*k);
	*k = NULL;
}

static void set_part(struct key *k, const char *name, const struct digest *value)
{
	struct part part = {name, *value};

	for (size_t i = 0; i < k->parts.len; i++) {
		if (strcmp(k->parts.items[i].name, name) == 0) {
			k->parts.items[i] = part;
			return;
		}
	}
	vec_push(&k->parts, part);
}

void key_set_text(struct key *k, const char *name, const char *text)
{
	key_set_list(k, name, &text, 1);
}

void key_set_list(struct key *k, const char *name, const char *const *texts, size_t n)
{
	CLEANUP(hasher_freep)
	struct hasher *h = hasher_new(DIGEST_XXH3, store_secret(k->store));
	struct digest d;

	hasher_add_u64(h, n);
	for (size_t i = 0; i < n; i++) {
		hasher_add_u64(h, texts[i] != NULL);
		hasher_add_str(h, texts[i] ? texts[i] : "");
	}
	d = hasher_final(h);
	set_part(k, name, &d);
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
