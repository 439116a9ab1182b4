/* SPDX-License-Identifier: MIT
 * exec_record.h - what is remembered of a step: its record, and for `why` its history.
 *
 * Purpose:   a record makes a hit later; nothing depends on the history. exec.h has the
 *            functions for others.
 * Ownership: everything is borrowed.
 * Threads:   the one that probes or runs the step.
 * Errors:    exec_write_record(): those of record_save().
 */
#ifndef ENGINE_EXECUTOR_EXEC_RECORD_H
#define ENGINE_EXECUTOR_EXEC_RECORD_H

#include "base/json.h"
#include "engine/executor/exec_private.h"

/* Keep those facts of a done step's record that are needed later. */
void exec_keep_facts(struct step_state *state, const cJSON *record);
/* Complete `record`, and write it under the state's key. The layers that it names are
 * published: a record never names a layer that is not there. */
NODISCARD struct err *exec_write_record(struct exec *x, const struct step *step,
					cJSON *record, uint64_t started_ns);
/* The step is a hit: its latest build is the one that was used. */
void exec_note_use(struct exec *x, const struct step *step);

#endif
