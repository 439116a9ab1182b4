/* SPDX-License-Identifier: MIT
 * cmd.h - the commands: a table row and a file each.
 *
 * Threads:   main thread only.
 * Errors:    run() returns what main() shows and turns into the exit status.
 */
#ifndef FRONTEND_CLI_CMD_H
#define FRONTEND_CLI_CMD_H

#include "base/err.h"
#include "frontend/options/options.h"
#include "frontend/project/inside.h"

struct cmd {
	const char *name;
	const char *operands; /* "FILE" */
	const char *summary;  /* one line */
	const struct option_row *options;
	/* `argv` begins after the command's name.  `*status` is the exit status when
	 * there is no error to show: 0 unless set. */
	struct err *(*run)(int argc, char **argv, int *status);
	/* The same after inside_go(); NULL: it never goes there. */
	inside_body *run_inside;
};

extern const struct cmd cmd_check, cmd_plan, cmd_run, cmd_inspect, cmd_lock, cmd_shell,
	cmd_why, cmd_cache;

/* NULL when there is none of that name. */
const struct cmd *cmd_find(const char *name);
/* What inside_main() asks for. */
inside_body *cmd_find_inside(const char *name);
void cmd_help(const struct cmd *cmd, struct buf *out);
void cmd_help_all(struct buf *out);

#endif
