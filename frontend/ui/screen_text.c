/* SPDX-License-Identifier: MIT
 * screen_text.c - see screen_text.h.
 */
#include "frontend/ui/screen_text.h"

#include "base/utf8.h"

size_t screen_text_cut(struct buf *out, struct str text, size_t columns)
{
	size_t used = 0, width;
	struct str c;

	while (utf8_next(&text, &c)) {
		width = utf8_width(c);
		if (used + width > columns)
			break;
		buf_append(out, c.data, c.len);
		used += width;
	}
	return used;
}

/* The end of the text, in at most so many columns. */
static struct str tail_of(struct str text, size_t columns)
{
	size_t width = utf8_width(text);
	struct str c;

	while (width > columns && utf8_next(&text, &c))
		width -= utf8_width(c);
	return text;
}

size_t screen_text_fit(struct buf *out, struct str text, size_t columns)
{
	static const size_t DOTS = 2;
	size_t tail, used;

	if (utf8_width(text) <= columns)
		return screen_text_cut(out, text, columns);
	tail = columns > 2 * DOTS ? (columns - DOTS) / 2 : 0;
	used = screen_text_cut(out, text, columns > DOTS ? columns - DOTS - tail : 0);
	used += screen_text_cut(out, STR(".."), columns - used);
	return used + screen_text_cut(out, tail_of(text, tail), columns - used);
}
