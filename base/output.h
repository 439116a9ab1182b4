/* SPDX-License-Identifier: MIT
 * output.h - files that the user wants written.
 *
 * Purpose:   such a file is written under a temporary name and renamed. rename(2)
 *            replaces whatever has the name, even /dev/null; so we first look at what is
 *            there, and follow links ourselves. And nobody waits for a build whose result
 *            cannot be written.
 * Ownership: paths it returns are for free().
 * Threads:   any.
 * Errors:    ERR_USAGE for everything that another name would fix; ERR_NOSPACE.
 */
#ifndef BASE_OUTPUT_H
#define BASE_OUTPUT_H

#include "base/err.h"

/* Where `path` leads, absolute; follows links, and the last name may be missing. */
NODISCARD struct err *output_follow(const char *path, char **out);
/* Can the file be written, at a path that output_follow() gave: is it regular or missing,
 * and can files be made in its folder?  Ask before the work and again after it. */
NODISCARD struct err *output_check(const char *path);

/* ERR_USAGE when writing `path` would overwrite the file `input`, which `what` names in
 * the error ("the definition").  Both may be missing; only a regular file can be lost;
 * `input` NULL means no file. */
NODISCARD struct err *output_spare(const char *path, const char *input, const char *what);
/* ERR_USAGE when `path` is in the folder `folder_fd`, however deep, where no file is the
 * user's: `what` names it in the error ("the cache").  NULL also when the folder of
 * `path` cannot be examined: output_check() says why. */
NODISCARD struct err *output_keep_out(const char *path, int folder_fd, const char *what);

#endif
