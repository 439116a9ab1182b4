/* SPDX-License-Identifier: MIT
 * byte_count.h - numbers of bytes, for people.
 *
 * Threads:   any. No function fails.
 */
#ifndef BASE_BYTE_COUNT_H
#define BASE_BYTE_COUNT_H

#include "base/base.h"

enum { BYTE_COUNT_SIZE = 32 };

/* "999 B", "2.2 MB": powers of 1000, as disks and networks count.  `out` has
 * BYTE_COUNT_SIZE bytes. */
void byte_count_format(uint64_t bytes, char *out);
/* Two numbers that differ, in the largest unit that shows it: "1.5 GiB" and "1.0 GiB",
 * but "1025 bytes" and "1024 bytes".  Powers of 1024, as options count. */
void byte_count_format_two(uint64_t a, uint64_t b, char *a_out, char *b_out);

#endif
