/* SPDX-License-Identifier: MIT
 * parse.h - text to AST.
 *
 * Purpose:   Apptainer's grammar; it finds every mistake of a file in one go, and
 *            recovers at the next section.
 * Ownership: the AST lies in `arena` and refers to `source`, which must outlive it.
 * Threads:   any; no shared state.
 * Errors:    mistakes are diagnostics. `*out` is NULL when no definition could be made;
 *            a definition with errors in the list must not be planned.
 */
#ifndef FRONTEND_DEF_PARSE_H
#define FRONTEND_DEF_PARSE_H

#include "frontend/def/ast.h"
#include "frontend/def/build_args.h"
#include "frontend/def/diag.h"

/* `given` is what the command line gives for template arguments; those that are used get
 * marked. */
void def_parse(const struct source *source, struct build_args *given, struct arena *arena,
	       struct diag_list *diags, struct definition **out);

#endif
