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
 *
 * A package manager makes devices, which only real root may.  They are not needed: the
 * packages' scripts use four, which are the host's for as long, and Apptainer mounts its
 * own /dev over the image's.  So root and others get the same files.
 */
#ifndef ENGINE_AGENT_HOST_PACKAGES_H
#define ENGINE_AGENT_HOST_PACKAGES_H

#include "engine/agent/agent.h"

struct host_packages {
	const char *program; /* "debootstrap"; the script's $0 */
	const char *package; /* that has the program, on most systems */
	/* For `/bin/sh -ef`, where $root is the root filesystem; `args` are $1, $2, ...,
	 * and end with NULL.  In $root there is /dev with the devices that scripts of
	 * packages use, and the folder .host for files that nobody else needs: neither
	 * stays. */
	const char *script;
	const char *const *args;
	/* Lines that begin so, "E: ", say why it failed; without one the last does. */
	const char *reason;
	/* A path, "etc/passwd", that is there if it has installed anything. */
	const char *proof;
	/* What is then removed, as in package_rest.h: the script itself must not, since
	 * links of the packages' lead it to the host. */
	const char *const *rest;
};

NODISCARD struct err *host_packages_run(const struct agent_context *c, const char *root,
					const struct host_packages *p);
/* Do the headers, and INCLUDE, name packages and no options?  ERR_USAGE. */
NODISCARD struct err *host_packages_check(const struct step_base *base);
/* Is there such a program? */
bool host_packages_has(const char *program);
/* The packages in `first`, in the header `Include` and in the variable INCLUDE, which
 * Apptainer takes, too; in each they are separated by blanks or commas, in the result by
 * `separator`.  For free(). */
char *host_packages_list(const struct step_base *base, const char *first, char separator);

#endif
