/* SPDX-License-Identifier: MIT
 * go_json.c - see go_json.h; the rules are those of Go's encoding/json with HTML
 * escaping.
 */
#include "engine/meta/go_json.h"

/* What the first byte says of the sequence's length; 0 if it does not begin one. */
static size_t length_of(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* Length of the valid UTF-8 sequence at the front of `s`, or 0 (RFC 3629, section 4). */
static size_t utf8_length(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.data;
	size_t n = length_of(p[0]);

	if (n == 0 || n > s.len)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	/* Longer than needed, surrogates, and beyond U+10FFFF. */
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

static void put_ascii(struct buf *out, char c)
{
	switch (c) {
	case '"':
	case '\\':
		buf_printf(out, "\\%c", c);
		break;
	case '\n':
		buf_puts(out, "\\n");
		break;
	case '\r':
		buf_puts(out, "\\r");
		break;
	case '\t':
		buf_puts(out, "\\t");
		break;
	case '<':
	case '>':
	case '&':
		buf_printf(out, "\\u%04x", (unsigned)c);
		break;
	default:
		if ((unsigned char)c < 0x20)
			buf_printf(out, "\\u%04x", (unsigned)c);
		else
			buf_putc(out, c);
	}
}

void go_json_string(struct buf *out, struct str text)
{
	buf_putc(out, '"');
	while (text.len > 0) {
		size_t n = utf8_length(text);

		if (n == 0)
			buf_puts(out, "\\ufffd");
		else if (n == 1)
			put_ascii(out, text.data[0]);
		else if (n == 3 && (str_starts_with(text, "\xe2\x80\xa8") ||
				    str_starts_with(text, "\xe2\x80\xa9")))
			buf_printf(out, "\\u202%c", text.data[2] == '\xa8' ? '8' : '9');
		else
			buf_append(out, text.data, n);
		text = str_slice(text, n > 0 ? n : 1, text.len);
	}
	buf_putc(out, '"');
}
