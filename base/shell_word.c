/* SPDX-License-Identifier: MIT
 * shell_word.c - see shell_word.h.
 */
#include "base/shell_word.h"

#include <string.h>

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c && strchr("_-./:,+@%", c));
}

void shell_word_put(struct buf *out, struct str text)
{
	size_t n = 0;

	while (n < text.len && is_plain(text.data[n]))
		n++;
	if (n > 0 && n == text.len)
		buf_append(out, text.data, text.len);
	else
		shell_word_quote(out, text);
}

void shell_word_quote(struct buf *out, struct str text)
{
	buf_putc(out, '\'');
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '\'')
			buf_puts(out, "'\"'\"'");
		else
			buf_putc(out, text.data[i]);
	}
	buf_putc(out, '\'');
}
