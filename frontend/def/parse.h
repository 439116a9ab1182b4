/* SPDX-License-Identifier: MIT
 * parse.h - text to AST, and the checks on it.
 *
 * Purpose:   Apptainer's grammar; every mistake of a file in one pass, recovering at the
 *            next section.
 * Ownership: the AST lies in `arena` and refers to `source`, which must outlive it.
 * Threads:   any; no shared state.
 * Errors:    mistakes are diagnostics. `*out` is NULL when no definition could be made;
 *            a definition with errors in the list must not be planned.
 */
#ifndef FRONTEND_DEF_PARSE_H
#define FRONTEND_DEF_PARSE_H

#include "frontend/def/ast.h"
#include "frontend/def/diag.h"

void def_parse(const struct source *source, struct arena *arena, struct diag_list *diags,
	       struct definition **out);
/* Names, duplicates, stage references (design: D1). */
void def_check(const struct definition *def, struct diag_list *diags);

#endif
