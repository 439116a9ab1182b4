/* SPDX-License-Identifier: MIT
 * log.h - the debug log: lines to standard error, chosen by area.
 *
 * Purpose:   for developers: `DAGBUILD_LOG=cache,sched dagbuild ...`, or `all`. Users see
 *            events (scheduler/event.h), not this.
 * Threads:   log_init() once before threads start; log_debug() from any thread.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/base.h"

/* Read the areas from the environment. */
void log_init(void);
bool log_enabled(const char *area);
/* One line: seconds since log_init(), area, text. */
#define log_debug(area, ...)                                                             \
	do {                                                                             \
		if (log_enabled(area))                                                   \
			log_write((area), __VA_ARGS__);                                  \
	} while (0)
PRINTF(2, 3) void log_write(const char *area, const char *format, ...);

#endif
