/* SPDX-License-Identifier: MIT
 * buf.c - the growing buffer: see buf.h.
 */
#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

static const size_t DEFAULT_MAX = (size_t)1 << 30;

/* Make room for `extra` bytes and a NUL; returns how many bytes may be written. */
static size_t buf_reserve(struct buf *b, size_t extra)
{
	size_t max = b->max > 0 ? b->max : DEFAULT_MAX;
	size_t room = max > b->len ? max - b->len : 0;
	size_t need;

	if (extra > room) {
		b->overflowed = true;
		extra = room;
	}
	need = b->len + extra + 1;
	if (need > b->cap) {
		size_t cap = b->cap > 0 ? b->cap : 64;

		while (cap < need)
			cap *= 2;
		b->data = xreallocarray(b->data, cap, 1);
		b->cap = cap;
	}
	return extra;
}

void buf_append(struct buf *b, const void *data, size_t len)
{
	size_t n = buf_reserve(b, len);

	if (n > 0)
		memcpy(b->data + b->len, data, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void buf_puts(struct buf *b, const char *text)
{
	buf_append(b, text, strlen(text));
}

void buf_putc(struct buf *b, char c)
{
	buf_append(b, &c, 1);
}

void buf_vprintf(struct buf *b, const char *format, va_list args)
{
	/* Most texts fit into the free space; the first try measures the others. */
	size_t had = b->cap - b->len, room;
	va_list again;
	int n;

	va_copy(again, args);
	n = vsnprintf(b->data ? b->data + b->len : NULL, had, format, args);
	assert(n >= 0);
	room = buf_reserve(b, (size_t)n);
	if ((size_t)n >= had)
		vsnprintf(b->data + b->len, room + 1, format, again);
	va_end(again);
	b->len += room;
	b->data[b->len] = '\0';
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buf_vprintf(b, format, args);
	va_end(args);
}

static void put_json_character(struct buf *b, struct str c)
{
	if (utf8_length(c) == 0)
		buf_puts(b, UTF8_REPLACEMENT);
	else if (c.data[0] == '"' || c.data[0] == '\\')
		buf_printf(b, "\\%c", c.data[0]);
	else if (c.data[0] == '\n')
		buf_puts(b, "\\n");
	else if (c.data[0] == '\t')
		buf_puts(b, "\\t");
	else if (utf8_steers(c))
		buf_printf(b, "\\u%04x", utf8_code(c));
	else
		buf_append(b, c.data, c.len);
}

void buf_json_string(struct buf *b, const char *text, size_t len)
{
	struct str rest = str_make(text, len), c;

	buf_putc(b, '"');
	while (utf8_next(&rest, &c))
		put_json_character(b, c);
	buf_putc(b, '"');
}

void buf_clear(struct buf *b)
{
	b->overflowed = false;
	buf_truncate(b, 0);
}

void buf_truncate(struct buf *b, size_t len)
{
	assert(len <= b->len);
	b->len = len;
	if (b->data)
		b->data[len] = '\0';
}

const char *buf_text(const struct buf *b)
{
	return b->data ? b->data : "";
}

char *buf_steal(struct buf *b)
{
	char *text = b->data ? b->data : xstrdup("");

	b->data = NULL;
	b->len = 0;
	b->cap = 0;
	return text;
}

void buf_release(struct buf *b)
{
	free(b->data);
	b->data = NULL;
	b->len = 0;
	b->cap = 0;
}
