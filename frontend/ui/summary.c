/* SPDX-License-Identifier: MIT
 * summary.c - see summary.h.
 */
#include "frontend/ui/summary.h"

#include "base/byte_count.h"
#include "base/clock.h"

void summary_render(const struct summary *s, struct buf *out)
{
	char elapsed[16], size[BYTE_COUNT_SIZE];

	clock_format_duration(s->elapsed_ns, elapsed, sizeof(elapsed));
	byte_count_format(s->image_bytes, size);
	if (s->cached == s->plan_steps) {
		buf_printf(out, "nothing has changed: %s is up to date (%s)%s%s\n",
			   s->image ? s->image : s->target, elapsed,
			   s->sources ? "; " : "", s->sources ? s->sources : "");
		return;
	}
	buf_puts(out, s->image ? s->image : s->target);
	if (s->image)
		buf_printf(out, " (%s)", size);
	buf_printf(out, ": %zu %s built, %zu reused, in %s%s%s\n", s->built,
		   s->built == 1 ? "step" : "steps", s->cached, elapsed,
		   s->sources ? "; " : "", s->sources ? s->sources : "");
}
