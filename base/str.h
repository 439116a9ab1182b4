/* SPDX-License-Identifier: MIT
 * str.h - borrowed slices of text, and number parsing.
 *
 * Purpose:   parse without copying: a slice points into the text it came from, so its
 *            place in the source is known.
 * Ownership: a slice owns nothing; it lives as long as the text it points into.
 * Threads:   values; no shared state.
 * Errors:    parsers return false and leave the out-parameter alone.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/base.h"

struct str {
	const char *data;
	size_t len; /* bytes */
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
/* For printf("%.*s"). */
#define STR_ARG(s) (int)(s).len, (s).data

struct str str_of(const char *text); /* NULL gives the empty slice */
struct str str_make(const char *data, size_t len);
/* Bytes `start` to `end` (exclusive), clamped to the slice. */
struct str str_slice(struct str s, size_t start, size_t end);
bool str_is_empty(struct str s);
bool str_equal(struct str a, struct str b);
bool str_is(struct str s, const char *text);
bool str_equal_nocase(struct str a, struct str b); /* ASCII letters only */
bool str_starts_with(struct str s, const char *prefix);
bool str_ends_with(struct str s, const char *suffix);
/* Index of the first `c`, or `s.len`. */
size_t str_find(struct str s, char c);
/* Without blanks (space, tab, CR, LF, VT, FF) at either end. */
struct str str_trim(struct str s);
struct str str_trim_left(struct str s);
/* Cut at the first `separator`: `*head` before it, `*tail` after it.  Without one,
 * `*head` is everything, `*tail` is empty, and the result is false. */
bool str_cut(struct str s, char separator, struct str *head, struct str *tail);
/* Take the next run of non-blanks off the front of `*rest`; false if there is none.
 */
bool str_next_word(struct str *rest, struct str *word);
bool char_is_blank(char c);
char char_lower(char c);
/* A copy with ASCII letters in lower case, for free(). */
char *str_dup_lower(struct str s);
/* Decimal digits only; false on overflow, a sign, or anything else. */
bool str_to_u64(struct str s, uint64_t *out);
/* A copy ending in NUL, for free(). */
char *str_dup(struct str s);
/* Number of single-character edits (insert, remove, replace, swap) between `a` and `b`,
 * for did-you-mean; at most `limit` + 1, which long texts also give. */
size_t str_distance(struct str a, struct str b, size_t limit);

#endif
