/* SPDX-License-Identifier: MIT
 * host_packages.h - filling a root filesystem by a package manager of this host.
 *
 * Purpose:   what the agents share that do so: finding the program, running a script
 *            around it, telling why it failed.
 * Ownership: nothing is handed out.
 * Threads:   called on a task's thread.
 * Errors:    ERR_UNSUPPORTED when the program is not there; ERR_STEP when it fails, with
 *            its own reason; those of script_run_on_host().
 *
 * The script and the packages' own scripts run with the rights of this process, as
 * %setup does: `--no-host-scripts` refuses such a definition.
 */
#ifndef ENGINE_AGENT_HOST_PACKAGES_H
#define ENGINE_AGENT_HOST_PACKAGES_H

#include "engine/agent/agent.h"

struct host_packages {
	const char *program; /* "debootstrap" */
	const char *package; /* that has the program, on most systems */
	/* For `/bin/sh -e`; `args` are $1, $2, ..., and end with NULL. */
	const char *script;
	const char *const *args;
	/* Its lines that begin so say why it failed: "E: ". */
	const char *reason;
};

NODISCARD struct err *host_packages_run(const struct agent_context *c,
					const struct host_packages *p);
/* The packages in `first`, in the header `Include` and in the variable INCLUDE, which
 * Apptainer takes, too; in each they are separated by blanks or commas, in the result by
 * `separator`.  For free(). */
char *host_packages_list(const struct step_base *base, const char *first, char separator);

#endif
