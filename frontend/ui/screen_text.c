/* SPDX-License-Identifier: MIT
 * screen_text.c - see screen_text.h.
 */
#include "frontend/ui/screen_text.h"

/* Length of the escape sequence at the front of `s` (ECMA-48: CSI, OSC, or two bytes). */
static size_t escape_length(struct str s)
{
	size_t i = 2;

	if (s.len < 2)
		return s.len;
	if (s.data[1] == '[') {
		while (i < s.len && (s.data[i] < '@' || s.data[i] > '~'))
			i++;
		return i < s.len ? i + 1 : s.len;
	}
	if (s.data[1] == ']') {
		while (i < s.len && s.data[i] != '\a' && s.data[i] != '\033')
			i++;
		return i < s.len ? i + 1 : s.len;
	}
	return 2;
}

void screen_text_clean(struct buf *out, struct str text)
{
	while (text.len > 0) {
		unsigned char c = (unsigned char)text.data[0];
		size_t n = c == 0x1b ? escape_length(text) : 1;

		if (c == '\t')
			buf_putc(out, ' ');
		else if (c >= 0x20 && c != 0x7f)
			buf_putc(out, (char)c);
		text = str_slice(text, n, text.len);
	}
}

/* Columns of the character at the front of `s`, and its bytes.  From U+1100 on many are
 * two columns wide; counting all of them so may leave room, but never breaks a line. */
static size_t char_columns(struct str s, size_t *bytes)
{
	unsigned char c = (unsigned char)s.data[0];
	size_t n = c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	*bytes = n < s.len ? n : s.len;
	if (c < 0xe1)
		return 1;
	return c > 0xe1 || (s.len > 1 && (unsigned char)s.data[1] >= 0x84) ? 2 : 1;
}

size_t screen_text_cut(struct buf *out, struct str text, size_t columns)
{
	size_t used = 0;

	while (text.len > 0) {
		size_t bytes, width = char_columns(text, &bytes);

		if (used + width > columns)
			break;
		buf_append(out, text.data, bytes);
		used += width;
		text = str_slice(text, bytes, text.len);
	}
	return used;
}

void screen_text_bytes(uint64_t bytes, char *out, size_t size)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1000 && unit + 1 < ARRAY_LEN(units)) {
		value /= 1000;
		unit++;
	}
	if (unit == 0)
		snprintf(out, size, "%.0f %s", value, units[unit]);
	else
		snprintf(out, size, "%.1f %s", value, units[unit]);
}
