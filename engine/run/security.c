/* SPDX-License-Identifier: MIT
 * security.c - see security.h.
 */
#include "engine/run/security.h"

#include <string.h>

static const char *const names[] = {
	[SECURITY_CONTAINER] = "container",
	[SECURITY_APPTAINER] = "apptainer",
};
TABLE_HAS_ALL(names, SECURITY_KINDS);

const char *security_name(enum security security)
{
	return names[security];
}

bool security_parse(const char *word, enum security *out)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(word, names[i]) == 0) {
			*out = (enum security)i;
			return true;
		}
	return false;
}
