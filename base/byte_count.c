/* SPDX-License-Identifier: MIT
 * byte_count.c - see byte_count.h.
 */
#include "base/byte_count.h"

#include <stdio.h>

void byte_count_format(uint64_t bytes, char *out)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1000 && unit + 1 < ARRAY_LEN(units)) {
		value /= 1000;
		unit++;
	}
	snprintf(out, BYTE_COUNT_SIZE, "%.*f %s", unit > 0 ? 1 : 0, value, units[unit]);
}

struct binary_unit {
	const char *name;
	uint64_t bytes;
};

static void format_in(const struct binary_unit *unit, uint64_t bytes, char *out)
{
	if (unit->bytes == 1)
		snprintf(out, BYTE_COUNT_SIZE, "%llu %s", (unsigned long long)bytes,
			 unit->name);
	else
		snprintf(out, BYTE_COUNT_SIZE, "%.1f %s",
			 (double)bytes / (double)unit->bytes, unit->name);
}

void byte_count_format_two(uint64_t a, uint64_t b, char *a_out, char *b_out)
{
	static const struct binary_unit units[] = {
		{"TiB", GIB(1024)}, {"GiB", GIB(1)}, {"MiB", MIB(1)},
		{"KiB", KIB(1)},    {"bytes", 1},
	};
	uint64_t less = a < b ? a : b, difference = a < b ? b - a : a - b;
	size_t i = 0;

	/* One decimal is shown, and a difference in it may come from rounding. */
	while (i + 1 < ARRAY_LEN(units) &&
	       (less < units[i].bytes || difference < units[i].bytes / 5))
		i++;
	format_in(&units[i], a, a_out);
	format_in(&units[i], b, b_out);
}
