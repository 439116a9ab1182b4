/* SPDX-License-Identifier: MIT
 * exec_probe.h - is a step in the cache, and if not, why not?
 *
 * Purpose:   composes the step's key from its inputs and from what its parent's root
 *            filesystem holds, and looks for a record that still holds.
 * Ownership: everything is borrowed; what is found goes into the step's state.
 * Threads:   one step is probed on one thread.
 * Errors:    those of the kinds' compose(). A miss is not an error: the state says why.
 */
#ifndef ENGINE_EXECUTOR_EXEC_PROBE_H
#define ENGINE_EXECUTOR_EXEC_PROBE_H

#include "engine/executor/exec_private.h"

/* Compose the step's key into its state. */
NODISCARD struct err *exec_compose(struct exec *x, const struct step *step,
				   struct task *task, bool *known);
/* Take the record under the state's key for the step's result, if it still holds. */
bool exec_take_record(struct exec *x, const struct step *step, struct task *task);
/* executor.probe; `self` is a struct exec. */
NODISCARD struct err *exec_probe(void *self, struct node_id id, struct task *task,
				 enum probe_result *out);

#endif
