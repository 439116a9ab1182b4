/* SPDX-License-Identifier: MIT
 * json.c - see json.h.
 */
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

static const unsigned DEPTH_MAX = 64;
/* A value takes up to 150 bytes with its name, but as little as two bytes of text:
 * ",0". */
static const size_t VALUES_MAX = 1000000;
static const double EXACT_MAX =
	9007199254740992.0; /* 2^53: doubles count exactly up to it */

/* Check before cJSON makes a tree: cJSON goes 1000 levels deep, and has no limit for
 * values. */
static struct err *check_shape(struct str text)
{
	unsigned depth = 0;
	size_t values = 0; /* at least as many as there are */
	bool in_string = false;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
			continue;
		}
		in_string = c == '"';
		if (c == '{' || c == '[' || c == ',')
			values++;
		if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && depth > 0)
			depth--;
		if (depth > DEPTH_MAX)
			return err_new(ERR_CORRUPT,
				       "JSON is nested deeper than %u levels", DEPTH_MAX);
		if (values > VALUES_MAX)
			return err_new(ERR_CORRUPT, "JSON holds more than %zu values",
				       VALUES_MAX);
	}
	return NULL;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Two readers may see different values under a repeated key, so such texts are
 * refused. */
static const char *repeated_key(const cJSON *tree)
{
	CLEANUP(freep) const char **names = NULL;
	const char *repeated = NULL;
	size_t n = 0;

	for (const cJSON *c = tree->child; c && !repeated; c = c->next) {
		repeated = repeated_key(c);
		n++;
	}
	if (repeated || !cJSON_IsObject(tree))
		return repeated;
	names = xcalloc(n, sizeof(*names));
	n = 0;
	for (const cJSON *c = tree->child; c; c = c->next)
		names[n++] = c->string;
	qsort(names, n, sizeof(*names), compare_names);
	for (size_t i = 1; i < n; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			return names[i];
	return NULL;
}

struct err *json_parse(struct str text, cJSON **out)
{
	CLEANUP(json_freep) cJSON *tree = NULL;
	const char *end = NULL, *repeated;
	struct str rest;

	TRY(check_shape(text));
	tree = cJSON_ParseWithLengthOpts(text.data, text.len, &end, false);
	if (!tree)
		return err_new(ERR_CORRUPT, "JSON is malformed at byte %td",
			       end ? end - text.data : 0);
	rest = str_trim(str_slice(text, (size_t)(end - text.data), text.len));
	if (rest.len > 0)
		return err_new(ERR_CORRUPT, "unexpected text after the JSON at byte %td",
			       rest.data - text.data);
	repeated = repeated_key(tree);
	if (repeated)
		return err_new(ERR_CORRUPT, "JSON has the key '%s' twice", repeated);
	*out = STEAL(tree);
	return NULL;
}

void json_freep(cJSON **tree)
{
	cJSON_Delete(*tree);
	*tree = NULL;
}

const char *json_string(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

cJSON *json_object(const cJSON *object, const char *name)
{
	cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

	return cJSON_IsObject(item) ? item : NULL;
}

cJSON *json_array(const cJSON *object, const char *name)
{
	cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

	return cJSON_IsArray(item) ? item : NULL;
}

bool json_u64(const cJSON *object, const char *name, uint64_t *out)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
	double value;

	if (!cJSON_IsNumber(item))
		return false;
	value = item->valuedouble;
	if (!(value >= 0 && value <= EXACT_MAX) || (double)(uint64_t)value != value)
		return false;
	*out = (uint64_t)value;
	return true;
}

bool json_bool(const cJSON *object, const char *name, bool fallback)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

	return cJSON_IsBool(item) ? (bool)cJSON_IsTrue(item) : fallback;
}

void json_add_u64(cJSON *object, const char *name, uint64_t value)
{
	assert((double)value <= EXACT_MAX);
	cJSON_AddNumberToObject(object, name, (double)value);
}

char *json_print(const cJSON *tree)
{
	char *text = cJSON_PrintUnformatted(tree);

	if (!text)
		abort(); /* only memory can fail here */
	return text;
}
