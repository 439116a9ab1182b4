/* SPDX-License-Identifier: MIT
 * target.h - what `--target` names.
 *
 * Ownership: `step` points into the option's text.
 * Threads:   any.
 * Errors:    ERR_USAGE, with a did-you-mean.
 */
#ifndef FRONTEND_PLAN_TARGET_H
#define FRONTEND_PLAN_TARGET_H

#include "frontend/plan/plan.h"

struct target {
	size_t stage;
	const char *step; /* "post", "copy2"; NULL: the image */
	size_t n_copies;  /* how many of the stage's copies come before it, or are it */
};

/* `text` is "STAGE" or "STAGE.STEP"; NULL: the last stage's image. */
NODISCARD struct err *target_find(const char *text, const struct plan_stage *stages,
				  size_t n_stages, struct target *out);
/* The error for a stage without such a step; it names the steps that there are. */
NODISCARD struct err *target_no_step(const struct target *t, const struct plan *plan);

#endif
