/* SPDX-License-Identifier: MIT
 * str.c - slices: see str.h.
 */
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

struct str str_of(const char *text)
{
	return str_make(text ? text : "", text ? strlen(text) : 0);
}

struct str str_make(const char *data, size_t len)
{
	return (struct str){data, len};
}

struct str str_slice(struct str s, size_t start, size_t end)
{
	if (end > s.len)
		end = s.len;
	if (start > end)
		start = end;
	return str_make(s.data + start, end - start);
}

bool str_is_empty(struct str s)
{
	return s.len == 0;
}

bool str_equal(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool str_is(struct str s, const char *text)
{
	return str_equal(s, str_of(text));
}

char char_lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool char_is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

bool str_equal_nocase(struct str a, struct str b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (char_lower(a.data[i]) != char_lower(b.data[i]))
			return false;
	return true;
}

bool str_starts_with(struct str s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.len >= n && memcmp(s.data, prefix, n) == 0;
}

bool str_ends_with(struct str s, const char *suffix)
{
	size_t n = strlen(suffix);

	return s.len >= n && memcmp(s.data + s.len - n, suffix, n) == 0;
}

size_t str_find(struct str s, char c)
{
	const char *hit = s.len > 0 ? memchr(s.data, c, s.len) : NULL;

	return hit ? (size_t)(hit - s.data) : s.len;
}

struct str str_trim_left(struct str s)
{
	while (s.len > 0 && char_is_blank(s.data[0]))
		s = str_make(s.data + 1, s.len - 1);
	return s;
}

static struct str trim_right(struct str s)
{
	while (s.len > 0 && char_is_blank(s.data[s.len - 1]))
		s.len--;
	return s;
}

struct str str_trim(struct str s)
{
	return str_trim_left(trim_right(s));
}

bool str_cut(struct str s, char separator, struct str *head, struct str *tail)
{
	size_t at = str_find(s, separator);

	*head = str_slice(s, 0, at);
	*tail = str_slice(s, at + 1, s.len);
	return at < s.len;
}

bool str_next_word(struct str *rest, struct str *word)
{
	struct str s = str_trim_left(*rest);
	size_t n = 0;

	while (n < s.len && !char_is_blank(s.data[n]))
		n++;
	*word = str_slice(s, 0, n);
	*rest = str_slice(s, n, s.len);
	return n > 0;
}

bool str_to_u64(struct str s, uint64_t *out)
{
	uint64_t value = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned digit = (unsigned)(unsigned char)s.data[i] - '0';

		if (digit > 9 || value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return true;
}

char *str_dup(struct str s)
{
	return xmemdup(s.data, s.len);
}

char *str_dup_lower(struct str s)
{
	char *copy = str_dup(s);

	for (char *c = copy; *c; c++)
		*c = char_lower(*c);
	return copy;
}

/* Nobody mistypes names of this length, and time grows with its square. */
static const size_t DISTANCE_MAX_LEN = 200;

static bool is_hopeless(struct str a, struct str b, size_t limit)
{
	size_t longer = a.len > b.len ? a.len - b.len : b.len - a.len;

	return longer > limit || a.len > DISTANCE_MAX_LEN;
}

/* Optimal string alignment: three rows of the usual dynamic programme. */
size_t str_distance(struct str a, struct str b, size_t limit)
{
	CLEANUP(freep) size_t *rows = NULL;
	size_t *before, *last, *now, width = b.len + 1;

	if (is_hopeless(a, b, limit))
		return limit + 1;
	rows = xcalloc(3 * width, sizeof(*rows));
	before = rows;
	last = rows + width;
	now = rows + 2 * width;
	for (size_t j = 0; j < width; j++)
		last[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t *spare = before;

		now[0] = i;
		for (size_t j = 1; j < width; j++) {
			size_t cost = a.data[i - 1] == b.data[j - 1] ? 0 : 1;
			size_t best = last[j - 1] + cost;

			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] &&
			    a.data[i - 2] == b.data[j - 1] && before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
		before = last;
		last = now;
		now = spare;
	}
	return last[b.len] > limit ? limit + 1 : last[b.len];
}
