/* SPDX-License-Identifier: MIT
 * host_script.h - running a script on the host: `%pre` and `%setup`.
 *
 * Purpose:   starts `dagbuild internal-host`, which runs the script with the rights of
 *            this process, in its folder, in a session without a terminal and in a mount
 *            namespace of its own. When the script ends, for whatever reason, nothing
 *            that it started is alive, and nothing that it mounted is mounted. (If it
 *            kills `internal-host` itself, what has left the group stays.)
 * Ownership: the request is borrowed.
 * Threads:   any.
 * Errors:    ERR_SYS, ERR_UNSUPPORTED when the script could not be started;
 *            ERR_CANCELLED. A failing script is not an error here: see `status`.
 */
#ifndef ENGINE_RUN_HOST_SCRIPT_H
#define ENGINE_RUN_HOST_SCRIPT_H

#include "base/cancel.h"
#include "base/err.h"
#include "base/str.h"

struct host_script {
	const char *const *argv; /* NULL-terminated: "/bin/sh", "-ex", its path */
	const char *const *envp; /* "NAME=VALUE", NULL-terminated */
	/* A descriptor (a lock) that is kept open, but not by the script, until nothing
	 * of it is alive, even if this process ends earlier.  0 or less: none. */
	int hold_fd;
	const struct cancel *cancel;
	/* As in script_proc.h. */
	void (*line)(void *context, struct str line);
	void *context;
};

/* `*status`: its exit status, 128 + signal when a signal ended it. */
NODISCARD struct err *host_script_run(const struct host_script *script, int *status);
/* Body of `dagbuild internal-host`; returns the exit status. */
int host_script_main(int argc, char **argv);

#endif
