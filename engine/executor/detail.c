/* SPDX-License-Identifier: MIT
 * detail.c - see detail.h.
 */
#include "engine/executor/detail.h"

#include <string.h>

#include "engine/executor/key_parts.h"

/* Of scripts longer than this only the digest is kept. */
static const size_t LINES_MAX = 20000;

struct builder {
	const struct store *store;
	cJSON *plain, *lines, *sets;
};

/* 48 bits tell lines apart well enough for a message. */
static const char *short_digest(const struct builder *b, struct str text, char *out)
{
	struct digest d =
		digest_bytes(DIGEST_XXH3, store_secret(b->store), text.data, text.len);

	digest_hex(&d, out);
	out[12] = '\0';
	return out;
}

static void add_lines(const struct builder *b, cJSON *array, const char *text)
{
	struct str rest = str_of(text), line;
	char hex[DIGEST_TEXT_SIZE];
	size_t n = 0;

	while (rest.len > 0 && n++ < LINES_MAX) {
		str_cut(rest, '\n', &line, &rest);
		cJSON_AddItemToArray(array,
				     cJSON_CreateString(short_digest(b, line, hex)));
	}
}

/* Of several texts, all except the last are one line each: what follows the section's
 * name. */
static void put_lines(const struct builder *b, const char *name, const char *const *texts,
		      size_t n)
{
	cJSON *array;
	char hex[DIGEST_TEXT_SIZE];

	if (n == 0 || !texts[n - 1])
		return;
	array = cJSON_AddArrayToObject(b->lines, name);
	for (size_t i = 0; i + 1 < n; i++)
		cJSON_AddItemToArray(array, cJSON_CreateString(short_digest(
						    b, str_of(texts[i]), hex)));
	add_lines(b, array, texts[n - 1]);
}

static void put_item(const struct builder *b, cJSON *set, const char *item,
		     struct str value)
{
	char hex[DIGEST_TEXT_SIZE];

	cJSON_DeleteItemFromObjectCaseSensitive(set, item);
	cJSON_AddStringToObject(set, item, short_digest(b, value, hex));
}

/* Each text is "NAME=VALUE", or names and values alternate; in a list of copies both are
 * names. */
static void put_set(const struct builder *b, const char *name, const char *const *texts,
		    size_t n)
{
	cJSON *set = cJSON_AddObjectToObject(b->sets, name);
	bool is_list = strcmp(name, "list") == 0;

	if (strcmp(name, "passed environment") == 0) {
		for (size_t i = 0; i < n; i++) {
			struct str variable, value;
			CLEANUP(freep) char *item = NULL;

			str_cut(str_of(texts[i]), '=', &variable, &value);
			item = str_dup(variable);
			put_item(b, set, item, value);
		}
		return;
	}
	for (size_t i = 0; i + 1 < n; i += 2) {
		CLEANUP(freep)
		char *item = is_list ? xasprintf("%s%s%s", texts[i],
						 texts[i + 1][0] ? " " : "", texts[i + 1])
				     : xstrdup(texts[i]);

		put_item(b, set, item, is_list ? STR("") : str_of(texts[i + 1]));
	}
}

static void put_part(const struct builder *b, const struct key *inputs,
		     const struct key_part *part)
{
	size_t n = 0;
	const char *const *texts = key_texts(inputs, part->name, &n);

	if (!texts)
		return;
	switch (part->class) {
	case PART_PLAIN:
		if (n > 0 && texts[0])
			cJSON_AddStringToObject(b->plain, part->name, texts[0]);
		break;
	case PART_LINES:
		put_lines(b, part->name, texts, n);
		break;
	case PART_SET:
		put_set(b, part->name, texts, n);
		break;
	case PART_FILES:
	case PART_PARENT:
		break;
	}
}

cJSON *detail_new(const struct work *w, const struct step *step)
{
	const struct step_state *state = work_state(w, step->id);
	cJSON *build = cJSON_CreateObject();
	struct builder b = {.store = w->options.store};
	char hex[DIGEST_TEXT_SIZE];

	cJSON_AddStringToObject(build, "key", digest_hex(&state->key, hex));
	cJSON_AddStringToObject(build, "kind", step_kind_name(step->kind));
	cJSON_AddItemToObject(build, "parts",
			      key_parts(state->inputs, store_secret(b.store)));
	b.plain = cJSON_AddObjectToObject(build, "plain");
	b.lines = cJSON_AddObjectToObject(build, "lines");
	b.sets = cJSON_AddObjectToObject(build, "sets");
	for (size_t i = 0; i < key_parts_len; i++)
		if (key_part_is_of(&key_parts_table[i], step->kind))
			put_part(&b, state->inputs, &key_parts_table[i]);
	if (state->list.n_tops > 0)
		cJSON_AddItemToObject(build, "files", tree_list_json(&state->list));
	if (step->kind == STEP_BASE && step->base->from)
		cJSON_AddStringToObject(build, "reference", step->base->from);
	return build;
}
