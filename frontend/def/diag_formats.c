/* SPDX-License-Identifier: MIT
 * diag_formats.c - the table of formats.
 */
#include <string.h>

#include "frontend/def/diag.h"

const struct diag_format *diag_format_find(const char *name)
{
	static const struct diag_format formats[] = {
		{"text", diag_write_text},
		{"json", diag_write_json},
		{"sarif", diag_write_sarif},
	};

	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	return NULL;
}
