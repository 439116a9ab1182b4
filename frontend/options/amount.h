/* SPDX-License-Identifier: MIT
 * amount.h - sizes and ages as users write and read them.
 *
 * Threads:   any.
 * Errors:    ERR_USAGE, naming the text.
 */
#ifndef FRONTEND_OPTIONS_AMOUNT_H
#define FRONTEND_OPTIONS_AMOUNT_H

#include "base/err.h"

/* "500M", "10G", "1.5T", "4096": bytes; K, M, G, T are powers of 1024, as for du(1). */
NODISCARD struct err *amount_parse_size(const char *text, uint64_t *out);
/* "90s", "30m", "12h", "7d", "2w" into nanoseconds. */
NODISCARD struct err *amount_parse_age(const char *text, uint64_t *out);
/* "3d", "12h", "4m", "59s" into `out` (at least 16 bytes); negative is 0. */
const char *amount_format_age(int64_t ns, char *out, size_t size);

#endif
