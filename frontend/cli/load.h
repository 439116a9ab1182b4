/* SPDX-License-Identifier: MIT
 * load.h - from a file's name to a definition and a plan, with its mistakes shown.
 *
 * Purpose:   what `check`, `plan` and `run` do first. Opens nothing but the file.
 * Ownership: loaded_release() ends all of it.
 * Threads:   main thread only.
 * Errors:    ERR_NOTFOUND and ERR_SYS for the file; mistakes in it are no error here:
 *            they are written to standard error, and `*status` says so.
 */
#ifndef FRONTEND_CLI_LOAD_H
#define FRONTEND_CLI_LOAD_H

#include "frontend/def/parse.h"
#include "frontend/plan/plan.h"

struct loaded {
	struct source *source;
	struct arena *arena;
	struct definition *def; /* in arena */
	struct plan *plan;	/* NULL after load_definition() */
};

#define LOADED_INIT                                                                      \
	{                                                                                \
		0                                                                        \
	}

/* Parse and check; `*status` becomes 2 when there were mistakes, all of them shown. */
NODISCARD struct err *load_definition(const char *path, struct loaded *out, int *status);
/* The same, and compile the plan. */
NODISCARD struct err *load_plan(const char *path, struct loaded *out, int *status);
/* Where the image goes: `explicit_path`, else "dir/lab3.def" gives "lab3.sif" in the
 * current folder; absolute, for free(). */
NODISCARD struct err *load_image_path(const char *file, const char *explicit_path,
				      char **out);
void loaded_release(struct loaded *l);

#endif
