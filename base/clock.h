/* SPDX-License-Identifier: MIT
 * clock.h - time.
 *
 * Threads:   any.
 * Errors:    clock_source_date_epoch(): ERR_USAGE for a value that is no number.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/err.h"

/* Nanoseconds since some fixed point; never goes back.  For durations. */
uint64_t clock_mono_ns(void);
/* Nanoseconds since 1970 (UTC). */
int64_t clock_real_ns(void);
/* $SOURCE_DATE_EPOCH in seconds, `*set` false when it is unset or empty.
 * https://reproducible-builds.org/specs/source-date-epoch/ */
NODISCARD struct err *clock_source_date_epoch(bool *set, int64_t *seconds);
/* "42ms", "3.1s", "2m05s", "1h02m" into `out` (at least 16 bytes). */
void clock_format_duration(uint64_t ns, char *out, size_t size);

#endif
