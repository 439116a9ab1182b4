/* SPDX-License-Identifier: MIT
 * epoch.c - see epoch.h.
 */
#include "base/epoch.h"

#include <stdlib.h>

#include "base/str.h"

struct err *epoch_from_environment(bool *set, int64_t *seconds)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");
	uint64_t value = 0;

	*set = false;
	*seconds = 0;
	if (!text || text[0] == '\0')
		return NULL;
	/* squashfs keeps unsigned 32-bit seconds, so nothing later can be stored. */
	if (!str_to_u64(str_of(text), &value) || value > UINT32_MAX)
		return err_hint(
			err_new(ERR_USAGE, "SOURCE_DATE_EPOCH: '%s' is not a time", text),
			"give a number of seconds since 1970, at most %u", UINT32_MAX);
	*set = true;
	*seconds = (int64_t)value;
	return NULL;
}
