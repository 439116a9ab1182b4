/* SPDX-License-Identifier: MIT
 * failed_step.h - a script that failed: the error, and its root filesystem kept.
 *
 * Purpose:   keeps what `dagbuild shell --failed` needs to open the same container again:
 *            the upper folder, the layers below, environment, script, and for people the
 *            place in the definition, the reason, the log.
 * Threads:   any.
 */
#ifndef ENGINE_STEPS_FAILED_STEP_H
#define ENGINE_STEPS_FAILED_STEP_H

#include "engine/work/mounted.h"
#include "engine/run/container.h"
#include "engine/work/script.h"

/* The error of `step`, whose container has ended with `status`, not 0.  The upper of `m`
 * is moved away if it is kept; if not, a note says why. */
NODISCARD struct err *failed_step(const struct work *w, const struct step *step,
				  struct mounted *m,
				  const struct container_request *request,
				  const struct script_output *output, int status);

#endif
