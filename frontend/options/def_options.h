/* SPDX-License-Identifier: MIT
 * def_options.h - options of every command that reads a definition.
 *
 * Purpose:   template arguments, which diagnostics to show, the target. A command's
 *            settings begin with a struct def_options, and its rows have
 *            DEF_OPTION_ROWS.
 * Ownership: def_options_release() ends it; values point into argv.
 * Threads:   main thread only.
 * Errors:    ERR_USAGE.
 */
#ifndef FRONTEND_OPTIONS_DEF_OPTIONS_H
#define FRONTEND_OPTIONS_DEF_OPTIONS_H

#include "frontend/def/build_args.h"
#include "frontend/options/cache_options.h"
#include "frontend/plan/plan.h"

struct def_options {
	struct cache_options cache; /* first: see cache_options.h */
	struct build_args *args;    /* NULL until one is given */
	const char *args_file;	    /* NULL: none */
	bool warn_unused_args;
	bool keep_tmp;
	const char *library; /* of --library; NULL: not given */
	struct diag_options diag;
	struct plan_options plan; /* of PLAN_OPTION_ROWS and HOST_SCRIPTS_ROW */
};

#define DEF_OPTION_ROWS                                                                  \
	{0,                                                                              \
	 "build-arg",                                                                    \
	 "NAME=VALUE",                                                                   \
	 "the value of a template argument (repeatable)",                                \
	 def_set_build_arg,                                                              \
	 0},                                                                             \
		{0,                                                                      \
		 "build-arg-file",                                                       \
		 "FILE",                                                                 \
		 "a file of template arguments, one NAME=VALUE per line",                \
		 def_set_build_arg_file,                                                 \
		 0},                                                                     \
		{0,                                                                      \
		 "keep-tmp",                                                             \
		 NULL,                                                                   \
		 "keep what %post makes in /tmp and /var/tmp",                           \
		 def_set_keep_tmp,                                                       \
		 0},                                                                     \
		{0,                                                                      \
		 "warn-unused-build-args",                                               \
		 NULL,                                                                   \
		 "make an unused build argument a warning, not an error",                \
		 def_set_warn_unused,                                                    \
		 0},                                                                     \
		{0, "werror", NULL, "treat warnings as errors", def_set_werror, 0},      \
	{                                                                                \
		0, "disable", "CODE", "do not report this diagnostic (repeatable)",      \
			def_set_disable, 0                                               \
	}

/* For commands that plan. */
#define PLAN_OPTION_ROWS                                                                 \
	{0,                                                                              \
	 "target",                                                                       \
	 "STAGE[.STEP]",                                                                 \
	 "make the image of this stage, or stop after this step",                        \
	 def_set_target,                                                                 \
	 0},                                                                             \
	{                                                                                \
		0, "all-stages", NULL,                                                   \
			"also build the stages that the target does not need",           \
			def_set_all_stages, 0                                            \
	}

/* For commands that ask the cache about host scripts. */
#define HOST_SCRIPTS_ROW                                                                 \
	{                                                                                \
		0, "host-scripts", "KIND",                                               \
			"when %pre and %setup run: always, or cached, as other steps "   \
			"(default: always)",                                             \
			def_set_host_scripts, 0                                          \
	}

/* For commands that name what a stage begins with. */
#define LIBRARY_ROW                                                                      \
	{                                                                                \
		0, "library", "URL",                                                     \
			"the server for 'Bootstrap: library', where none is named "      \
			"(default: $DAGBUILD_LIBRARY, else $APPTAINER_LIBRARY)",         \
			def_set_library, 0                                               \
	}

NODISCARD struct err *def_set_library(void *settings, const char *value);
/* What the option or the environment names, for plan_options; NULL: nothing. */
const char *def_library(const struct def_options *o);
NODISCARD struct err *def_set_host_scripts(void *settings, const char *value);
NODISCARD struct err *def_set_target(void *settings, const char *value);
NODISCARD struct err *def_set_keep_tmp(void *settings, const char *value);
NODISCARD struct err *def_set_all_stages(void *settings, const char *value);
NODISCARD struct err *def_set_build_arg(void *settings, const char *value);
NODISCARD struct err *def_set_build_arg_file(void *settings, const char *value);
NODISCARD struct err *def_set_warn_unused(void *settings, const char *value);
NODISCARD struct err *def_set_werror(void *settings, const char *value);
NODISCARD struct err *def_set_disable(void *settings, const char *value);
void def_options_release(struct def_options *o);

#endif
