/* SPDX-License-Identifier: MIT
 * duration.c - see duration.h.
 */
#include "base/duration.h"

#include <string.h>

#include "base/str.h"

/* A thousand years: nothing is older, and up to that sums of nanoseconds do not
 * overflow. */
static const uint64_t SECONDS_MAX = UINT64_C(1000) * 366 * 86400;

static const struct {
	char letter;
	const char *word;
	uint64_t seconds;
} units[] = {
	{'w', "week", 7 * UINT64_C(86400)},
	{'d', "day", 86400},
	{'h', "hour", 3600},
	{'m', "minute", 60},
	{'s', "second", 1},
};

static uint64_t unit_seconds(char letter)
{
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (units[i].letter == letter)
			return units[i].seconds;
	return 0;
}

struct err *duration_parse(const char *text, uint64_t *seconds)
{
	size_t len = strlen(text);
	uint64_t unit = len > 0 ? unit_seconds(text[len - 1]) : 0, count = 0;

	if (unit == 0 || !str_to_u64(str_make(text, len - 1), &count))
		return err_hint(err_new(ERR_USAGE, "'%s' is not a duration", text),
				"write a number and one of s, m, h, d, w: 12h, 7d");
	if (count > SECONDS_MAX / unit)
		return err_new(ERR_USAGE, "'%s' is too long", text);
	*seconds = count * unit;
	return NULL;
}

void duration_in_words(uint64_t seconds, char *out, size_t size)
{
	size_t i = 0;
	uint64_t count;

	while (i + 1 < ARRAY_LEN(units) && seconds < units[i].seconds)
		i++;
	count = seconds / units[i].seconds;
	snprintf(out, size, "%llu %s%s", (unsigned long long)count, units[i].word,
		 count == 1 ? "" : "s");
}
