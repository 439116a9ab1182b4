/* SPDX-License-Identifier: MIT
 * container.h - running a script inside a root filesystem.
 *
 * Purpose:   starts `dagbuild internal-run`, which enters its own mount, pid, ipc and
 *            uts namespaces, mounts the layers, /proc, /sys, /dev, resolv.conf and
 *            hosts, pivots, and runs the script under a small init of its own. When the
 *            script ends, for whatever reason, nothing of it is alive and nothing is
 *            mounted.
 * Ownership: the request is borrowed.
 * Threads:   any, unless interactive; the calling thread must live until the container
 *            has ended (the death signal is bound to it).
 * Errors:    ERR_SYS, ERR_UNSUPPORTED when the container could not be set up;
 *            ERR_CANCELLED. A failing script is not an error here: see `status`.
 */
#ifndef ENGINE_RUN_CONTAINER_H
#define ENGINE_RUN_CONTAINER_H

#include "base/err.h"
#include "base/str.h"
#include "engine/run/security.h"
#include "engine/tree/overlay.h"
#include "base/cancel.h"

struct container_request {
	/* The root filesystem.  mount_point is used inside the container's own namespace
	 * only; without upper it is read-only. */
	struct overlay_spec root;
	/* Written as /.post.script (mode 0755, must not exist), removed afterwards; NULL:
	 * argv names a program of the image. */
	const char *script;
	const char *const *argv; /* NULL-terminated: "/bin/sh", "-ex", "/.post.script" */
	/* "NAME=VALUE", NULL-terminated: the whole environment. */
	const char *const *envp;
	/* Source the image's /.singularity.d/env/NAME.sh first, in order, as Apptainer
	 * does. */
	bool source_environment;
	const char *hostname; /* NULL: "build" */
	enum security security;
	/* A descriptor (a lock) that is kept open, but not by the script, until nothing
	 * of the container is alive, even if this process ends earlier.  0 or less:
	 * none. */
	int hold_fd;
	const struct cancel *cancel;
	/* The program is the user's: it has the caller's standard descriptors, and gets
	 * the signals that the caller gets.  Only in a process with one thread; `line`
	 * and `cancel` are not used. */
	bool interactive;
	/* The caller's standard input and output are a terminal: the program gets one of
	 * its own, joined to that. */
	bool tty;
	/* Called for each line of standard output and error, in order, without line end;
	 * very long lines arrive in parts of 64 KiB. */
	void (*line)(void *context, struct str line);
	void *context;
};

struct container_result {
	int status; /* the script's exit status, 128 + signal when a signal ended it */
};

NODISCARD struct err *container_run(const struct container_request *request,
				    struct container_result *result);
/* Body of `dagbuild internal-run`; returns the exit status. */
int container_main(int argc, char **argv);

#endif
