/* SPDX-License-Identifier: MIT
 * scan.c - see scan.h.
 */
#include "frontend/def/scan.h"

#include <string.h>

/* Blanks of more than one byte, in UTF-8: U+0085, U+00A0, U+1680, U+2000 to U+200A,
 * U+2028, U+2029, U+202F, U+205F, U+3000. */
static size_t wide_blank(struct str s)
{
	static const char *const blanks[] = {
		"\xc2\x85",	"\xc2\xa0",	"\xe1\x9a\x80", "\xe2\x80\x80",
		"\xe2\x80\x81", "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84",
		"\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88",
		"\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8", "\xe2\x80\xa9",
		"\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80",
	};

	for (size_t i = 0; i < ARRAY_LEN(blanks); i++)
		if (str_starts_with(s, blanks[i]))
			return strlen(blanks[i]);
	return 0;
}

size_t scan_blank(struct str s)
{
	if (s.len == 0)
		return 0;
	if ((unsigned char)s.data[0] < 0x80)
		return char_is_blank(s.data[0]) ? 1 : 0;
	return wide_blank(s);
}

struct str scan_trim_left(struct str s)
{
	for (size_t n; (n = scan_blank(s)) > 0;)
		s = str_slice(s, n, s.len);
	return s;
}

/* A blank of more than one byte ends in a byte from 0x80 to 0xbf. */
static size_t blank_at_end(struct str s)
{
	if (s.len == 0)
		return 0;
	if ((unsigned char)s.data[s.len - 1] < 0x80)
		return char_is_blank(s.data[s.len - 1]) ? 1 : 0;
	for (size_t n = 2; n <= 3 && n <= s.len; n++)
		if (wide_blank(str_slice(s, s.len - n, s.len)) == n)
			return n;
	return 0;
}

struct str scan_trim(struct str s)
{
	for (size_t n; (n = blank_at_end(s)) > 0;)
		s.len -= n;
	return scan_trim_left(s);
}

bool scan_word(struct str *rest, struct str *word)
{
	struct str s = scan_trim_left(*rest);
	size_t n = 0;

	while (n < s.len && scan_blank(str_slice(s, n, s.len)) == 0)
		n++;
	*word = str_slice(s, 0, n);
	*rest = str_slice(s, n, s.len);
	return n > 0;
}

bool scan_line(struct str *rest, struct str *line)
{
	*line = *rest;
	if (rest->len == 0)
		return false;
	str_cut(*rest, '\n', line, rest);
	if (str_ends_with(*line, "\r"))
		line->len--;
	return true;
}

bool scan_is_section(struct str line)
{
	line = scan_trim_left(line);
	return line.len > 0 && line.data[0] == '%';
}

/* ---- placeholders ----
 *
 * `{{\s*(\w+)\s*}}` of Go's regexp, where \s has no vertical tab.
 */

static size_t skip_blanks(struct str s, size_t at)
{
	while (at < s.len && strchr("\t\n\f\r ", s.data[at]) && s.data[at])
		at++;
	return at;
}

static bool is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_';
}

/* The placeholder at the front; up to `*seen` no other one can begin. */
static bool placeholder_here(struct str s, struct scan_placeholder *out, size_t *seen)
{
	size_t start = skip_blanks(s, 2), end = start, close;

	while (end < s.len && is_word_char(s.data[end]))
		end++;
	close = skip_blanks(s, end);
	*seen = close;
	if (end == start || close + 1 >= s.len || s.data[close] != '}' ||
	    s.data[close + 1] != '}')
		return false;
	out->all = str_slice(s, 0, close + 2);
	out->name = str_slice(s, start, end);
	return true;
}

bool scan_placeholder_at(struct str text, struct scan_placeholder *out)
{
	size_t seen;

	return str_starts_with(text, "{{") && placeholder_here(text, out, &seen);
}

bool scan_placeholder(struct str text, struct scan_placeholder *out)
{
	for (;;) {
		const char *open =
			text.len > 0 ? memmem(text.data, text.len, "{{", 2) : NULL;
		size_t at, seen;

		if (!open)
			return false;
		at = (size_t)(open - text.data);
		text = str_slice(text, at, text.len);
		if (placeholder_here(text, out, &seen))
			return true;
		/* In "{{{ a }}" the second brace begins one. */
		text = str_slice(text, seen > 2 ? seen : 1, text.len);
	}
}
