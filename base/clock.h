/* SPDX-License-Identifier: MIT
 * clock.h - time.
 *
 * Threads:   any.
 * Errors:    none.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/base.h"

/* Nanoseconds since some fixed point; never goes back.  For durations. */
uint64_t clock_mono_ns(void);
/* Nanoseconds since 1970 (UTC). */
int64_t clock_real_ns(void);
/* "42ms", "3.1s", "2m05s", "1h02m" into `out` (at least 16 bytes). */
void clock_format_duration(uint64_t ns, char *out, size_t size);

#endif
