/* SPDX-License-Identifier: MIT
 * duration.h - durations as users write them: "90s", "15m", "12h", "7d", "2w".
 *
 * Threads:   any.
 * Errors:    duration_parse(): ERR_USAGE, with a hint.
 */
#ifndef BASE_DURATION_H
#define BASE_DURATION_H

#include "base/err.h"

NODISCARD struct err *duration_parse(const char *text, uint64_t *seconds);
/* "5 minutes", "1 hour", "3 days": the largest unit that fits, rounded down, into `out`
 * (at least 32 bytes). */
void duration_in_words(uint64_t seconds, char *out, size_t size);

#endif
