/* SPDX-License-Identifier: MIT
 * activity.h - how far a step's transfer is, how fast, and how long it will still take.
 *
 * Purpose:   from the progress that events report, and their times: nothing here looks at
 *            a clock.
 * Threads:   values of one thread.
 */
#ifndef FRONTEND_UI_ACTIVITY_H
#define FRONTEND_UI_ACTIVITY_H

#include "base/buf.h"

enum { ACTIVITY_SAMPLES = 10 };

struct activity {
	const char *name;     /* "downloading": a literal; NULL: none */
	uint64_t done, total; /* bytes; `total` 0: not known */
	/* Where it was before, at least half a second apart; the oldest first. */
	struct activity_sample {
		uint64_t time_ns, done;
	} samples[ACTIVITY_SAMPLES];
	size_t n_samples;
};

/* It is at `done` of `total` at the time `now_ns`. */
void activity_update(struct activity *a, const char *name, uint64_t done, uint64_t total,
		     uint64_t now_ns);
/* Bytes per second over the last five seconds; 0 when nothing came, or too little is
 * known. */
uint64_t activity_rate(const struct activity *a, uint64_t now_ns);
/* Append "downloading 40% of 83.0 MB, 9.8 MB/s, 5s left", as much as is known and fits
 * into `columns`: the word is dropped first, then size, rate, and time. */
void activity_describe(const struct activity *a, uint64_t now_ns, size_t columns,
		       struct buf *out);

#endif
