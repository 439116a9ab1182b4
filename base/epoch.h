/* SPDX-License-Identifier: MIT
 * epoch.h - the time that stands for "now" in a build that others repeat.
 *
 * Threads:   any, while nothing changes the environment.
 * Errors:    ERR_USAGE for a value that is not a number of seconds, or too late for
 *            squashfs.
 */
#ifndef BASE_EPOCH_H
#define BASE_EPOCH_H

#include "base/err.h"

/* $SOURCE_DATE_EPOCH in seconds, `*set` false when it is unset or empty.
 * https://reproducible-builds.org/specs/source-date-epoch/ */
NODISCARD struct err *epoch_from_environment(bool *set, int64_t *seconds);

#endif
