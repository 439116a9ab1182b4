/* SPDX-License-Identifier: MIT
 * summary.h - what a run says when it ends.
 */
#ifndef FRONTEND_UI_SUMMARY_H
#define FRONTEND_UI_SUMMARY_H

#include "base/buf.h"

struct summary {
	size_t plan_steps, built, cached;
	uint64_t elapsed_ns;
	const char *image;  /* path; NULL: none is made */
	const char *target; /* of --target, for a step without image */
	uint64_t image_bytes;
	const char *
		sources; /* where the bases' digests are from; NULL: asked for just now */
};

void summary_render(const struct summary *s, struct buf *out);

#endif
