/* SPDX-License-Identifier: MIT
 * cmd.c - the table of commands, and their help.
 */
#include "frontend/cli/cmd.h"

#include <string.h>

static const struct cmd *const commands[] = {
	&cmd_run,  &cmd_plan,  &cmd_why,   &cmd_check,
	&cmd_lock, &cmd_shell, &cmd_cache, &cmd_inspect,
};

const struct cmd *cmd_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

inside_body *cmd_find_inside(const char *name)
{
	const struct cmd *cmd = cmd_find(name);

	return cmd ? cmd->run_inside : NULL;
}

void cmd_help(const struct cmd *cmd, struct buf *out)
{
	buf_printf(out, "Usage: dagbuild %s [OPTIONS] %s\n\n%s.\n\nOptions:\n", cmd->name,
		   cmd->operands, cmd->summary);
	options_help(cmd->options, out);
}

void cmd_help_all(struct buf *out)
{
	buf_puts(out, "Usage: dagbuild COMMAND [OPTIONS] ...\n\n"
		      "Builds Singularity/Apptainer definition files: in parallel, and "
		      "only what "
		      "has changed.\n\nCommands:\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		buf_printf(out, "  %-9s %-20s %s\n", commands[i]->name,
			   commands[i]->operands, commands[i]->summary);
	buf_puts(out, "\n'dagbuild COMMAND --help' shows the options of a "
		      "command.\n'dagbuild --version' shows the version; 'man dagbuild' "
		      "is the manual.\nFILE may be '-' for standard input.\n");
}
