/* SPDX-License-Identifier: MIT
 * exec_private.h - what the files of the executor share.
 */
#ifndef ENGINE_EXECUTOR_EXEC_PRIVATE_H
#define ENGINE_EXECUTOR_EXEC_PRIVATE_H

#include "engine/executor/exec.h"
#include "engine/work/work.h"

struct exec {
	struct work work;
	struct exec_options options;
	char *architecture; /* this machine's, for keys */
};

#endif
