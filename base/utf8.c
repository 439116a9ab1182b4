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
		unsigned char from, to;	   /* of the second byte */
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

/* ---- what a character does ---- */

uint32_t utf8_code(struct str c)
{
	static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t code;

	assert(c.len > 0 && c.len < ARRAY_LEN(masks));
	code = (unsigned char)c.data[0] & masks[c.len];
	for (size_t i = 1; i < c.len; i++)
		code = code << 6 | ((unsigned char)c.data[i] & 0x3f);
	return code;
}

bool utf8_steers(struct str character)
{
	static const struct {
		uint32_t first, last;
	} rows[] = {
		{0x00, 0x1f},	  /* C0 */
		{0x7f, 0x9f},	  /* DEL, C1 */
		{0x61c, 0x61c},	  /* bidirectional: Arabic letter mark, */
		{0x200e, 0x200f}, /* marks, */
		{0x2028, 0x2029}, /* ends of lines and paragraphs */
		{0x202a, 0x202e}, /* embeddings and overrides, */
		{0x2066, 0x2069}, /* isolates: Unicode's annex 9 */
	};
	uint32_t code = utf8_code(character);

	for (size_t i = 0; i < ARRAY_LEN(rows) && code >= rows[i].first; i++)
		if (code <= rows[i].last)
			return true;
	return false;
}

static locale_t utf8_locale;

static void make_locale(void)
{
	/* Built into glibc since 2.35. */
	utf8_locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

int utf8_columns(struct str character)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	locale_t before;
	int columns;

	if (character.len == 0 || utf8_length(character) != character.len)
		return -1;
	if (utf8_steers(character))
		return -1;
	if (character.len == 1)
		return 1;
	pthread_once(&once, make_locale);
	if (!utf8_locale)
		return 1;
	before = uselocale(utf8_locale);
	columns = wcwidth((wchar_t)utf8_code(character));
	uselocale(before);
	return columns;
}

size_t utf8_width(struct str s)
{
	struct str c;
	size_t n = 0;

	while (utf8_next(&s, &c)) {
		int columns = utf8_columns(c);

		n += columns < 0 ? 1 : (size_t)columns;
	}
	return n;
}
