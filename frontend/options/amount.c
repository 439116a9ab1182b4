/* SPDX-License-Identifier: MIT
 * amount.c - see amount.h.
 */
#include "frontend/options/amount.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"

struct unit {
	char letter;
	uint64_t factor;
};

static const struct unit sizes[] = {
	{'K', UINT64_C(1) << 10},
	{'M', UINT64_C(1) << 20},
	{'G', UINT64_C(1) << 30},
	{'T', UINT64_C(1) << 40},
};
static const uint64_t SECOND_NS = 1000000000;
static const struct unit ages[] = {
	{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800},
};

static uint64_t factor_of(const struct unit *units, size_t n, char letter)
{
	for (size_t i = 0; i < n; i++)
		if (units[i].letter == letter)
			return units[i].factor;
	return 0;
}

/* "1.5" times `factor`: at most three digits after the point. */
static bool multiply(struct str number, uint64_t factor, uint64_t *out)
{
	struct str whole, rest;
	uint64_t units = 0, part = 0, scale = 1;

	if (str_cut(number, '.', &whole, &rest)) {
		if (rest.len < 1 || rest.len > 3 || !str_to_u64(rest, &part))
			return false;
		for (size_t i = 0; i < rest.len; i++)
			scale *= 10;
	}
	if (!str_to_u64(whole, &units) || units > (UINT64_MAX >> 1) / factor)
		return false;
	*out = units * factor + (factor / scale * part + factor % scale * part / scale);
	return true;
}

struct err *amount_parse_size(const char *text, uint64_t *out)
{
	struct str number = str_of(text);
	uint64_t factor = 0;
	char last = 0;

	/* "10GiB", "10GB" and "10G" are the same. */
	if (str_ends_with(number, "iB"))
		number.len -= 2;
	else if (str_ends_with(number, "B"))
		number.len--;
	if (number.len > 0)
		last = number.data[number.len - 1];
	factor = factor_of(sizes, ARRAY_LEN(sizes), (char)toupper((unsigned char)last));
	if (factor > 0)
		number.len--;
	if (!multiply(number, factor > 0 ? factor : 1, out))
		return err_hint(err_new(ERR_USAGE, "'%s' is not a size", text),
				"write a size such as 500M, 10G or 1.5T");
	return NULL;
}

struct err *amount_parse_age(const char *text, uint64_t *out)
{
	struct str number = str_of(text);
	uint64_t factor = 0;

	if (number.len > 0)
		factor = factor_of(ages, ARRAY_LEN(ages), number.data[--number.len]);
	if (factor == 0 || !multiply(number, factor * SECOND_NS, out))
		return err_hint(err_new(ERR_USAGE, "'%s' is not an age", text),
				"write an age such as 30m, 12h, 7d or 2w");
	return NULL;
}

const char *amount_format_age(int64_t ns, char *out, size_t size)
{
	static const size_t DAYS = 3; /* weeks are too coarse */
	uint64_t s = ns > 0 ? (uint64_t)ns / SECOND_NS : 0, n = s;
	char letter = 's';

	for (size_t i = 1; i <= DAYS && s >= ages[i].factor; i++) {
		assert(ages[i].factor > 0);
		n = s / ages[i].factor;
		letter = ages[i].letter;
	}
	snprintf(out, size, "%llu%c", (unsigned long long)n, letter);
	return out;
}
