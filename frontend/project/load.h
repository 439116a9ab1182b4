/* SPDX-License-Identifier: MIT
 * load.h - from a file's name to a definition and a plan, with its mistakes shown.
 *
 * Purpose:   what every command that reads a definition does first. Opens the file and
 *            that of the template arguments, and looks at what check.h looks at; nothing
 *            else.
 * Ownership: loaded_release() ends all of it; the options must outlive it.
 * Threads:   main thread only.
 * Errors:    those of given.h for the files; mistakes in the definition are not errors
 *            here: they are written to standard error, and `*status` says so.
 */
#ifndef FRONTEND_PROJECT_LOAD_H
#define FRONTEND_PROJECT_LOAD_H

#include "frontend/def/parse.h"
#include "frontend/options/def_options.h"
#include "frontend/plan/plan.h"
#include "frontend/project/given.h"

struct loaded {
	struct source *source;
	struct arena *arena;
	struct diag_list *diags;
	struct definition *def; /* in arena; NULL when there is none */
	struct plan *plan;	/* NULL after load_definition() */
};

#define LOADED_INIT                                                                      \
	{                                                                                \
		0                                                                        \
	}

/* Parse and check; show nothing yet.  `given`: texts that were read before, or are kept
 * now; NULL: none.  Texts that it says are checked are only parsed. */
NODISCARD struct err *load_definition(const char *path, struct def_options *options,
				      struct given *given, struct loaded *out);
/* The same, show the mistakes (`*status` becomes 2 when there are errors), and compile
 * the plan when there are none. */
NODISCARD struct err *load_plan(const char *path, struct def_options *options,
				const struct plan_options *plan, struct given *given,
				struct loaded *out, int *status);
/* For --no-host-scripts: ERR_SYNTAX, with its place, if a step of the plan is one. */
NODISCARD struct err *load_refuse_host_scripts(const struct plan *plan);
/* The image's name in the current folder when the user gives none, for free(): for
 * "dir/lab3.def" it is "lab3.sif", with a stage as target "lab3.STAGE.sif"; NULL when no
 * image is made. */
NODISCARD struct err *load_image_path(const char *file, const struct plan *plan,
				      const struct plan_options *options, char **out);
void loaded_release(struct loaded *l);

/* ERR_USAGE when writing `path` would overwrite an image of this host that a stage starts
 * from, or when `path` or the cache is in a folder that is such an image. */
NODISCARD struct err *load_spare_images(const struct plan *plan, const char *path,
					const char *cache);

#endif
