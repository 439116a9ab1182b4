/* SPDX-License-Identifier: MIT
 * build_args.h - values for template arguments, from the command line.
 *
 * Purpose:   what --build-arg and --build-arg-file give, which of it was used, and where
 *            it was written, so that diagnostics can show it.
 * Ownership: build_args_free() ends it; values live as long.
 * Threads:   belongs to one thread.
 * Errors:    build_args_flag(): ERR_USAGE.
 */
#ifndef FRONTEND_DEF_BUILD_ARGS_H
#define FRONTEND_DEF_BUILD_ARGS_H

#include "base/err.h"
#include "frontend/def/diag.h"

struct build_args;

struct build_args *build_args_new(void);
void build_args_free(struct build_args *a);
void build_args_freep(struct build_args **a);
/* Add the value of a --build-arg: "NAME=VALUE[,NAME=VALUE...]", a record of CSV as
 * Apptainer reads it: a field with a comma must be in double quotes as a whole.  A later
 * value of a name wins. */
NODISCARD struct err *build_args_flag(struct build_args *a, const char *value);
/* Add the lines NAME=VALUE of file `path`; takes over `text`, `len` bytes (below 4 GiB,
 * none of them NUL) with NUL after them.  Flags win, whenever they come. */
void build_args_file(struct build_args *a, const char *path, char *text, size_t len);
/* The value of `name`, which counts as used if `use` says so; NULL without one. */
const char *build_args_find(struct build_args *a, const char *name, bool use);
/* The name that was probably meant by `name`, or NULL. */
const char *build_args_nearest(const struct build_args *a, struct str name);
/* After parsing: report lines of the file that are not pairs; and, with this severity,
 * arguments that nothing used, unless `is_partial`: then not all placeholders were looked
 * at. */
void build_args_check(const struct build_args *a, enum diag_severity unused,
		      bool is_partial, struct diag_list *diags);

#endif
