/* SPDX-License-Identifier: MIT
 * buf.h - an owned, growing, NUL-terminated byte buffer with a maximum.
 *
 * Purpose:   building texts, and reading up to a limit. For slices of a text owned
 *            elsewhere see str.h.
 * Ownership: buf_release() frees the contents; buf_steal() hands them out.
 * Threads:   a buffer belongs to one thread.
 * Errors:    writing past the maximum drops the excess and sets `overflowed`, which stays
 *            set: code that reads foreign data checks it once, at the end.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/base.h"

struct buf {
	char *data; /* NUL-terminated once anything was written; NULL before */
	size_t len; /* bytes, without the NUL */
	size_t cap;
	size_t max; /* bytes that may be held; 0 means 1 GiB */
	bool overflowed;
};

/* An empty buffer with the default limit; `BUF_MAX(n)` holds at most `n` bytes. */
#define BUF_INIT                                                                         \
	{                                                                                \
		0                                                                        \
	}
#define BUF_MAX(bytes)                                                                   \
	{                                                                                \
		.max = (bytes)                                                           \
	}

void buf_append(struct buf *b, const void *data, size_t len);
void buf_puts(struct buf *b, const char *text);
void buf_putc(struct buf *b, char c);
PRINTF(2, 3) void buf_printf(struct buf *b, const char *format, ...);
PRINTF(2, 0) void buf_vprintf(struct buf *b, const char *format, va_list args);
/* Append `len` bytes as a JSON string, with its quotes; what is not UTF-8 becomes U+FFFD,
 * and what steers (utf8.h) becomes an escape, so that a terminal can show JSON safely. */
void buf_json_string(struct buf *b, const char *text, size_t len);
/* Make the buffer empty, keeping its memory and its maximum. */
void buf_clear(struct buf *b);
/* Shorten to `len` bytes, at most the present length. */
void buf_truncate(struct buf *b, size_t len);
/* The contents, never NULL; valid until the next call on `b`. */
const char *buf_text(const struct buf *b);
/* Hand the contents to the caller (free() them); the buffer is empty afterwards. */
char *buf_steal(struct buf *b);
void buf_release(struct buf *b);

#endif
