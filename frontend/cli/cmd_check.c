/* SPDX-License-Identifier: MIT
 * cmd_check.c - `dagbuild check`: diagnostics only.
 */
#include "frontend/cli/cmd.h"
#include "frontend/cli/load.h"

static const struct option_row rows[] = {CMD_HELP_ROW, {0}};

static struct err *check_run(int argc, char **argv, int *status)
{
	CLEANUP(loaded_release) struct loaded loaded = LOADED_INIT;
	CLEANUP(freep) const char **files = NULL;
	struct operands operands = {0};
	struct err *e = options_parse(rows, argc, argv, NULL, &operands);

	files = operands.items;
	TRY(e);
	if (operands.len != 1)
		return err_new(ERR_USAGE, "'check' takes one definition file");
	return load_plan(files[0], &loaded, status);
}

const struct cmd cmd_check = {
	.name = "check",
	.operands = "FILE",
	.summary = "Say what is wrong with a definition file, and build nothing",
	.options = rows,
	.run = check_run,
};
