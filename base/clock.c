/* SPDX-License-Identifier: MIT
 * clock.c - time: see clock.h.
 */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static const uint64_t NS_PER_S = 1000000000;

uint64_t clock_mono_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

int64_t clock_real_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * (int64_t)NS_PER_S + ts.tv_nsec;
}

void clock_format_duration(uint64_t ns, char *out, size_t size)
{
	uint64_t ms = ns / 1000000, s = ns / NS_PER_S;

	if (ms < 1000)
		snprintf(out, size, "%ums", (unsigned)ms);
	else if (s < 60)
		snprintf(out, size, "%u.%us", (unsigned)s, (unsigned)(ms % 1000 / 100));
	else if (s < 3600)
		snprintf(out, size, "%um%02us", (unsigned)(s / 60), (unsigned)(s % 60));
	else
		snprintf(out, size, "%uh%02um", (unsigned)(s / 3600),
			 (unsigned)(s / 60 % 60));
}
