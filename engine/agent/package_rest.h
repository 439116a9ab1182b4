/* SPDX-License-Identifier: MIT
 * package_rest.h - what a package manager leaves that nobody needs in the image.
 *
 * Purpose:   downloads, logs, what was the host's. The packages' own scripts have run by
 *            then, and links may lead anywhere: every path is resolved in the root.
 * Ownership: nothing is handed out.
 * Threads:   any.
 * Errors:    ERR_SYS, ERR_CANCELLED; what is not there is no error.
 */
#ifndef ENGINE_AGENT_PACKAGE_REST_H
#define ENGINE_AGENT_PACKAGE_REST_H

#include "base/err.h"

/* Remove from the folder `root` what the patterns match, "var/log/" and then a pattern
 * for fnmatch(3), and all that is in it; NULL ends them. */
NODISCARD struct err *package_rest_remove(const char *root, const char *const *patterns);

#endif
