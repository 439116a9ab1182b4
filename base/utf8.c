/* SPDX-License-Identifier: MIT
 * utf8.c - see utf8.h.
 */
#include "base/utf8.h"

#include <locale.h>
#include <pthread.h>
#include <wchar.h>

size_t utf8_length(struct str s)
{
	static const struct {
		unsigned char first, last; /* of the first byte */
		unsigned char from, to;	   /* of the second one */
		size_t length;
	} rows[] = {
		{0x00, 0x7f, 0, 0, 1},	     {0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};
	const unsigned char *c = (const unsigned char *)s.data;

	for (size_t i = 0; s.len > 0 && i < ARRAY_LEN(rows); i++) {
		if (c[0] < rows[i].first || c[0] > rows[i].last)
			continue;
		if (rows[i].length == 1)
			return 1;
		if (rows[i].length > s.len || c[1] < rows[i].from || c[1] > rows[i].to)
			return 0;
		for (size_t k = 2; k < rows[i].length; k++)
			if ((c[k] & 0xc0) != 0x80)
				return 0;
		return rows[i].length;
	}
	return 0;
}

bool utf8_next(struct str *rest, struct str *out)
{
	size_t n = utf8_length(*rest);

	*out = str_slice(*rest, 0, n > 0 ? n : 1);
	*rest = str_slice(*rest, out->len, rest->len);
	return out->len > 0;
}

/* ---- columns ---- */

static locale_t utf8_locale;

static void make_locale(void)
{
	/* Built into glibc since 2.35. */
	utf8_locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

static wchar_t decode(struct str c)
{
	static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	unsigned code;

	assert(c.len < ARRAY_LEN(masks));
	code = (unsigned char)c.data[0] & masks[c.len];

	for (size_t i = 1; i < c.len; i++)
		code = code << 6 | ((unsigned char)c.data[i] & 0x3f);
	return (wchar_t)code;
}

/* Unicode's explicit formatting characters of bidirectional text. */
static bool turns_direction(wchar_t c)
{
	return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

int utf8_columns(struct str character)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	locale_t before;
	wchar_t c;
	int columns;

	if (character.len == 0 || utf8_length(character) != character.len)
		return -1;
	c = decode(character);
	if (c < 0x80)
		return c < 0x20 || c == 0x7f ? -1 : 1;
	if (turns_direction(c))
		return -1;
	pthread_once(&once, make_locale);
	if (!utf8_locale)
		return 1;
	before = uselocale(utf8_locale);
	columns = wcwidth(c);
	uselocale(before);
	return columns;
}
