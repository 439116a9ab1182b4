/* SPDX-License-Identifier: MIT
 * exec_run.h - runs a step.
 *
 * Purpose:   runs a step that is a miss, unless another step or process has made it
 *            meanwhile, within the store's ceiling, and writes its record.
 * Ownership: everything is borrowed; what is made goes into the step's state.
 * Threads:   one step is run on one thread.
 * Errors:    those of the steps, with the step's place in the definition.
 */
#ifndef ENGINE_EXECUTOR_EXEC_RUN_H
#define ENGINE_EXECUTOR_EXEC_RUN_H

#include "engine/executor/exec_private.h"

/* executor.run; `self` is a struct exec. */
NODISCARD struct err *exec_run(void *self, struct node_id id, struct task *task);

#endif
