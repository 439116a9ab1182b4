/* SPDX-License-Identifier: MIT
 * steps.h - the kinds of steps: one file and one row of functions each.
 *
 * Purpose:   how a kind's key is composed, when its record holds, and how it runs. A kind
 *            knows the work and its tools, but neither the executor nor another kind;
 *            executor/exec_kinds.c has the table of all.
 * Ownership: everything is borrowed.
 * Threads:   one step is composed and run on one thread; the members are const.
 * Errors:    those of the tools, and of the steps: a failing script is ERR_STEP with the
 *            last command and the log's path.
 */
#ifndef ENGINE_STEPS_STEPS_H
#define ENGINE_STEPS_STEPS_H

#include "base/json.h"
#include "engine/work/work.h"

struct step_ops {
	/* Complete state->inputs; sets state->miss and returns NULL with `*known` false
	 * when the key cannot be known without running. */
	struct err *(*compose)(const struct work *w, const struct step *step,
			       struct task *task, bool *known);
	/* Why a record does not hold although its layers are there; MISS_NONE when it
	 * does.  NULL: it always does. */
	enum miss (*refuses)(const struct work *w, const struct step *step,
			     const cJSON *record);
	/* Make it, fill state->snapshot if it makes a layer, and add to `record` what is
	 * specific to the kind. */
	struct err *(*run)(const struct work *w, const struct step *step,
			   struct task *task, cJSON *record);
	/* For `why`: look again at the files in the step's key, one by one.  NULL: its
	 * key has no files, or `why` needs no more than the key. */
	struct err *(*list)(const struct work *w, const struct step *step,
			    struct tree_list *out);
};

extern const struct step_ops step_pre_ops, step_base_ops, step_apps_ops, step_copy_ops,
	step_setup_ops, step_files_ops, step_post_ops, step_meta_ops, step_test_ops,
	step_pack_ops;

/* May the image be written?  Looks at its folder and at what is there now: ERR_EXISTS,
 * ERR_NOTFOUND, ERR_SYS. */
NODISCARD struct err *pack_check_output(const struct work *w);

#endif
