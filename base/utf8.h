/* SPDX-License-Identifier: MIT
 * utf8.h - characters of a text that may be UTF-8, or anything else.
 *
 * Purpose:   cuts, counts and shows foreign texts by characters, whatever bytes they hold
 *            and whatever the locale is.
 * Threads:   any. No function fails.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/str.h"

/* U+FFFD, which stands for what is not a character. */
#define UTF8_REPLACEMENT "\xef\xbf\xbd"

/* Bytes of the character at the front (RFC 3629); 0 when there is none. */
size_t utf8_length(struct str s);
/* Take the front off `*rest`: a character, or a byte that belongs to none. False at the
 * end. */
bool utf8_next(struct str *rest, struct str *out);
/* The code point of one valid character (from utf8_next()). */
uint32_t utf8_code(struct str character);
/* Does the character steer what shows it: is it a control, or does it change the
 * direction of writing, or end a line or paragraph? */
bool utf8_steers(struct str character);
/* Columns of one character (from utf8_next()) on a terminal: 0, 1 or 2; -1 for one that
 * must not be sent there: it steers, is not a character, or is unknown. */
int utf8_columns(struct str character);
/* Columns of a text in which each character that must not be sent takes one: that of the
 * `?` that replaces it. */
size_t utf8_width(struct str s);

#endif
