/* SPDX-License-Identifier: MIT
 * exec_kinds.h - what each kind of step does.
 *
 * Purpose:   the table of steps/, by kind; all that the executor knows of kinds.
 * Ownership: const.
 * Threads:   const.
 * Errors:    none.
 */
#ifndef ENGINE_EXECUTOR_EXEC_KINDS_H
#define ENGINE_EXECUTOR_EXEC_KINDS_H

#include "engine/steps/steps.h"

extern const struct step_ops *const exec_kinds[STEP_KINDS];

/* Can the step be run, by anybody? */
bool exec_supports(const struct step *step);

#endif
