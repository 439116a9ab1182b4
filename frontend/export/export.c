/* SPDX-License-Identifier: MIT
 * export.c - the table of formats.
 */
#include "frontend/export/export.h"

#include <string.h>

static const struct export_format formats[] = {
	{"tree", export_tree},
	{"dot", export_dot},
	{"json", export_json},
};

const struct export_format *export_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	return NULL;
}

const char *export_status_name(enum export_status_kind kind)
{
	static const char *const names[] = {"unknown", "hit", "miss"};

	return names[kind];
}
