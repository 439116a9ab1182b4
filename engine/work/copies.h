/* SPDX-License-Identifier: MIT
 * copies.h - files that a step copies into its layer: what `%files` and `%appfiles`
 * share.
 *
 * Purpose:   such a step is keyed on the content of what it copies, not on how it came
 *            about: the part "list" of its key is what the definition says, "content" is
 *            what that stands for now.
 * Ownership: everything is borrowed.
 * Threads:   as the step's.
 * Errors:    those of tree_copy().
 */
#ifndef ENGINE_WORK_COPIES_H
#define ENGINE_WORK_COPIES_H

#include "engine/tree/tree_copy.h"
#include "engine/work/work.h"

/* Set "list". */
void copies_add_list(struct key *key, const struct step_files *files);
/* How `files` are copied from the folder `source_fd`: the host's current folder, or a
 * stage's root.  `task` may be NULL. */
struct copy_request copies_request(const struct work *w, const struct step_files *files,
				   struct task *task, enum copy_from from, int source_fd);
/* Copy, and set "content" to what was really copied, so that a file that changed since
 * the probe is recorded as it was when it was read.  The step's list holds the files. */
NODISCARD struct err *copies_write(const struct work *w, const struct step *step,
				   struct copy_request *request, int root_fd);

/* ---- from the host: step_host_files() ---- */

/* Set both parts; `*known` false when a script on the host may still change them. */
NODISCARD struct err *copies_compose_host(const struct work *w, const struct step *step,
					  struct task *task, bool *known);
NODISCARD struct err *copies_write_host(const struct work *w, const struct step *step,
					struct task *task, int root_fd);
/* step_ops.list */
NODISCARD struct err *copies_list_host(const struct work *w, const struct step *step,
				       struct tree_list *out);

#endif
