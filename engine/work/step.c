/* SPDX-License-Identifier: MIT
 * step.c - names of step kinds.
 */
#include "engine/work/step.h"

const char *step_kind_name(enum step_kind kind)
{
	static const char *const names[] = {
		[STEP_PRE] = "pre",   [STEP_BASE] = "base",   [STEP_APPS] = "apps",
		[STEP_COPY] = "copy", [STEP_SETUP] = "setup", [STEP_FILES] = "files",
		[STEP_POST] = "post", [STEP_META] = "meta",   [STEP_TEST] = "test",
		[STEP_PACK] = "pack",
	};
	TABLE_HAS_ALL(names, STEP_KINDS);

	assert(kind < STEP_KINDS);
	return names[kind];
}
