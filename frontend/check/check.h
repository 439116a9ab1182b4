/* SPDX-License-Identifier: MIT
 * check.h - what is wrong with a definition as a whole.
 *
 * Purpose:   everything about a parsed definition that can be known before a build:
 *            agents and their headers, names and references of stages, sources and
 *            destinations of `%files`, scripts, labels, apps. Of the host it looks only
 *            at the sources of `%files` and at local images of `From`; of the network at
 *            nothing.
 * Ownership: findings go to the list of diagnostics.
 * Threads:   any; no shared state.
 * Errors:    none: what the host does not let us look at counts as absent.
 */
#ifndef FRONTEND_CHECK_CHECK_H
#define FRONTEND_CHECK_CHECK_H

#include "frontend/def/ast.h"
#include "frontend/def/diag.h"

struct check_options {
	/* Folder from which sources on the host count (AT_FDCWD will do); -1: do not look
	 * at them. */
	int host_fd;
};

void check_definition(const struct definition *def, const struct check_options *options,
		      struct diag_list *diags);

#endif
