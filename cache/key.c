/* SPDX-License-Identifier: MIT
 * key.c - see key.h.
 */
#include "cache/key.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "cache/store.h"

struct part {
	const char *name; /* literal */
	char **texts;	  /* one block: the pointers, then what they point to */
	size_t n_texts;
};

struct key {
	const char *kind;
	VEC(struct part) parts;
};

struct key *key_new(const char *kind)
{
	struct key *k = xcalloc(1, sizeof(*k));

	k->kind = kind;
	return k;
}

void key_free(struct key *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->parts.len; i++)
		free(k->parts.items[i].texts);
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
	free(known->texts);
	*known = *part;
}

void key_set_text(struct key *k, const char *name, const char *text)
{
	key_set_list(k, name, &text, 1);
}

/* One allocation: a run without changes composes thousands of keys. */
static char **copy_texts(const char *const *texts, size_t n)
{
	size_t size = n * sizeof(*texts), len;
	char **copy, *at;

	for (size_t i = 0; i < n; i++)
		size += texts[i] ? strlen(texts[i]) + 1 : 0;
	copy = xmalloc(size);
	at = (char *)(copy + n);
	for (size_t i = 0; i < n; i++) {
		copy[i] = texts[i] ? at : NULL;
		len = texts[i] ? strlen(texts[i]) + 1 : 0;
		if (len > 0)
			memcpy(at, texts[i], len);
		at += len;
	}
	return copy;
}

void key_set_list(struct key *k, const char *name, const char *const *texts, size_t n)
{
	struct part part = {name, copy_texts(texts, n), n};

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

bool key_has(const struct key *k, const char *name)
{
	return find_part(k, name) != NULL;
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

/* In groups of 7 bits, the lowest first: lengths of 8 bytes would make a key of many
 * short texts twice as long, and SHA-256 is slow. */
static void add_number(struct hasher *h, uint64_t value)
{
	unsigned char bytes[10];
	size_t n = 0;

	for (; value > 127; value >>= 7)
		bytes[n++] = (unsigned char)(value | 128);
	bytes[n++] = (unsigned char)value;
	hasher_update(h, bytes, n);
}

/* 0 stands for NULL. */
static void add_text(struct hasher *h, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	add_number(h, text ? len + 1 : 0);
	hasher_update(h, text ? text : "", len);
}

static void add_texts(struct hasher *h, const struct part *part)
{
	add_number(h, part->n_texts);
	for (size_t i = 0; i < part->n_texts; i++)
		add_text(h, part->texts[i]);
}

struct digest key_final(const struct key *k)
{
	CLEANUP(hasher_freep) struct hasher *h = hasher_new(DIGEST_SHA256, NULL);

	add_number(h, STORE_FORMAT);
	add_text(h, k->kind);
	for (size_t i = 0; i < k->parts.len; i++) {
		add_text(h, k->parts.items[i].name);
		add_texts(h, &k->parts.items[i]);
	}
	return hasher_final(h);
}

static struct digest remembered(const struct part *part, const struct hash_secret *secret)
{
	CLEANUP(hasher_freep) struct hasher *h = hasher_new(DIGEST_XXH3, secret);

	add_texts(h, part);
	return hasher_final(h);
}

cJSON *key_parts(const struct key *k, const struct hash_secret *secret)
{
	cJSON *object = cJSON_CreateObject();
	char text[DIGEST_TEXT_SIZE];

	for (size_t i = 0; i < k->parts.len; i++) {
		struct digest d = remembered(&k->parts.items[i], secret);

		cJSON_AddStringToObject(object, k->parts.items[i].name,
					digest_hex(&d, text));
	}
	return object;
}
