/* SPDX-License-Identifier: MIT
 * exec_kinds.c - see exec_kinds.h.
 */
#include "engine/executor/exec_kinds.h"

#include "engine/agent/agent.h"

const struct step_ops *const exec_kinds[] = {
	[STEP_PRE] = &step_pre_ops,	[STEP_BASE] = &step_base_ops,
	[STEP_APPS] = &step_apps_ops,	[STEP_COPY] = &step_copy_ops,
	[STEP_SETUP] = &step_setup_ops, [STEP_FILES] = &step_files_ops,
	[STEP_POST] = &step_post_ops,	[STEP_META] = &step_meta_ops,
	[STEP_TEST] = &step_test_ops,	[STEP_PACK] = &step_pack_ops,
};
TABLE_HAS_ALL(exec_kinds, STEP_KINDS);

bool exec_supports(const struct step *step)
{
	return step->kind != STEP_BASE || !agent_find(step->base->agent)->why_not;
}
