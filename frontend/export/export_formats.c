/* SPDX-License-Identifier: MIT
 * export_formats.c - the table of formats.
 */
#include <string.h>

#include "frontend/export/export.h"

static const struct export_format formats[] = {
	{"tree", export_tree},
	{"dot", export_dot},
	{"json", export_json},
	{"mermaid", export_mermaid},
};

const struct export_format *export_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	return NULL;
}
