/* SPDX-License-Identifier: MIT
 * labels.c - see labels.h.
 */
#include "engine/meta/labels.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/vec.h"
#include "engine/meta/go_json.h"
#include "engine/meta/root_file.h"

const char LABELS_OF_IMAGE[] = "/.singularity.d/labels.json";

bool labels_set(struct labels *labels, const char *name, const char *value,
		bool overwrite)
{
	struct label *label = map_get(&labels->by_name, name);

	if (label && !overwrite)
		return false;
	if (!label) {
		label = xcalloc(1, sizeof(*label));
		label->name = xstrdup(name);
		vec_push(labels, label);
		map_set(&labels->by_name, label->name, label);
	}
	free(label->value);
	label->value = xstrdup(value);
	return true;
}

static int compare_names(const void *a, const void *b)
{
	const struct label *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

void labels_sort(struct labels *labels)
{
	if (labels->len > 0)
		qsort(labels->items, labels->len, sizeof(*labels->items), compare_names);
}

void labels_set_lines(struct labels *labels, struct str text)
{
	struct str line, name, value;

	while (text.len > 0) {
		CLEANUP(freep) char *n = NULL;
		CLEANUP(freep) char *v = NULL;

		str_cut(text, '\n', &line, &text);
		line = str_trim(line);
		if (line.len == 0 || line.data[0] == '#')
			continue;
		str_cut(line, ' ', &name, &value);
		n = str_dup(name);
		v = str_dup(str_trim(value));
		labels_set(labels, n, v, true);
	}
}

struct err *labels_load(int root_fd, const char *path, struct labels *out)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(json_freep) cJSON *tree = NULL;
	struct err *e = root_read(root_fd, path, &text);
	const cJSON *item;

	if (e && err_code(e) == ERR_NOTFOUND) {
		err_ignore(e, "no labels yet");
		return NULL;
	}
	TRY(e);
	TRY(err_wrap(json_parse(str_make(buf_text(&text), text.len), &tree), "'%s'",
		     path));
	cJSON_ArrayForEach(item, tree)
	{
		const char *value = cJSON_GetStringValue(item);

		if (item->string && value)
			labels_set(out, item->string, value, true);
	}
	return NULL;
}

struct err *labels_save(int root_fd, const char *path, struct labels *labels)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	labels_sort(labels);
	buf_puts(&text, "{");
	for (size_t i = 0; i < labels->len; i++) {
		buf_puts(&text, i > 0 ? ",\n\t" : "\n\t");
		go_json_string(&text, str_of(labels->items[i]->name));
		buf_puts(&text, ": ");
		go_json_string(&text, str_of(labels->items[i]->value));
	}
	buf_puts(&text, labels->len > 0 ? "\n}" : "}");
	return root_write(root_fd, path, text.data, text.len, 0644, ROOT_REPLACE);
}

void labels_release(struct labels *labels)
{
	for (size_t i = 0; i < labels->len; i++) {
		free(labels->items[i]->name);
		free(labels->items[i]->value);
		free(labels->items[i]);
	}
	vec_free(labels);
	map_release(&labels->by_name);
}
