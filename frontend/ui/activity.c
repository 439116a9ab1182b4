/* SPDX-License-Identifier: MIT
 * activity.c - see activity.h.
 */
#include "frontend/ui/activity.h"

#include <string.h>

#include "base/byte_count.h"
#include "base/clock.h"

static const uint64_t NS_PER_S = 1000000000;
static const uint64_t SAMPLE_EVERY_NS = 500000000;

/* Above this no time is shown: a day is too long to say anything. */
static const uint64_t LEFT_MAX_S = 86400;

void activity_update(struct activity *a, const char *name, uint64_t done, uint64_t total,
		     uint64_t now_ns)
{
	/* A new activity, or the same one again: for example, after a transfer broke
	 * off. */
	if (!a->name || strcmp(a->name, name) != 0 || done < a->done)
		a->n_samples = 0;
	a->name = name;
	a->done = done;
	a->total = total;
	if (a->n_samples > 0 &&
	    now_ns - a->samples[a->n_samples - 1].time_ns < SAMPLE_EVERY_NS)
		return;
	if (a->n_samples == ACTIVITY_SAMPLES) {
		a->n_samples--;
		memmove(a->samples, a->samples + 1, a->n_samples * sizeof(*a->samples));
	}
	a->samples[a->n_samples++] = (struct activity_sample){now_ns, done};
}

/* The oldest sample that counts: the latest one that is at least as old as the span. */
static const struct activity_sample *first_sample(const struct activity *a,
						  uint64_t now_ns)
{
	size_t i = 0;

	while (i + 1 < a->n_samples &&
	       now_ns - a->samples[i + 1].time_ns >= ACTIVITY_SAMPLES / 2 * NS_PER_S)
		i++;
	return &a->samples[i];
}

uint64_t activity_rate(const struct activity *a, uint64_t now_ns)
{
	const struct activity_sample *first = first_sample(a, now_ns);
	uint64_t ms;

	if (a->n_samples == 0 || now_ns < first->time_ns)
		return 0;
	ms = (now_ns - first->time_ns) / 1000000;
	/* A shorter span says little. */
	return ms < 500 ? 0
			: (uint64_t)((double)(a->done - first->done) * 1e3 / (double)ms);
}

static unsigned percent(const struct activity *a)
{
	return a->done >= a->total
		       ? 100
		       : (unsigned)(100.0 * (double)a->done / (double)a->total);
}

/* "5s left", or "" when it cannot be said. */
static void format_left(const struct activity *a, uint64_t rate, char *out, size_t size)
{
	uint64_t seconds = rate > 0 ? (a->total - a->done) / rate : LEFT_MAX_S;
	char text[16];

	out[0] = '\0';
	if (a->total <= a->done || seconds >= LEFT_MAX_S)
		return;
	seconds++;
	if (seconds < 60)
		snprintf(text, sizeof(text), "%us", (unsigned)seconds);
	else
		clock_format_duration(seconds * NS_PER_S, text, sizeof(text));
	snprintf(out, size, "%s left", text);
}

/* The order in which parts go when there is little room. */
enum { NAME_GOES = 1, SIZE_GOES, RATE_GOES, LEFT_GOES };

static void put_parts(const struct activity *a, uint64_t rate, unsigned gone,
		      struct buf *out)
{
	char size[BYTE_COUNT_SIZE], speed[BYTE_COUNT_SIZE], left[32];

	byte_count_format(a->total > 0 ? a->total : a->done, size);
	byte_count_format(rate, speed);
	format_left(a, rate, left, sizeof(left));
	if (gone < NAME_GOES)
		buf_printf(out, "%s ", a->name);
	if (a->total == 0)
		buf_puts(out, size);
	else
		buf_printf(out, "%u%%", percent(a));
	if (gone < SIZE_GOES && a->total > 0)
		buf_printf(out, " of %s", size);
	if (gone < RATE_GOES && rate > 0)
		buf_printf(out, ", %s/s", speed);
	if (gone < LEFT_GOES && left[0])
		buf_printf(out, ", %s", left);
}

void activity_describe(const struct activity *a, uint64_t now_ns, size_t columns,
		       struct buf *out)
{
	uint64_t rate = activity_rate(a, now_ns);
	size_t start = out->len;

	if (!a->name)
		return;
	put_parts(a, rate, 0, out);
	for (unsigned gone = NAME_GOES; out->len - start > columns && gone <= LEFT_GOES;
	     gone++) {
		buf_truncate(out, start);
		put_parts(a, rate, gone, out);
	}
}
