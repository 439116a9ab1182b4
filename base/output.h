/* SPDX-License-Identifier: MIT
 * output.h - files that the user wants written.
 *
 * Purpose:   such a file is written under a temporary name and renamed. rename(2)
 *            replaces whatever has the name, be it /dev/null; so what is there is looked
 *            at first, and links are followed by us. And nobody waits for a build whose
 *            result cannot be written.
 * Ownership: paths given out are for free().
 * Threads:   any.
 * Errors:    ERR_USAGE for all that another name would mend; ERR_NOSPACE.
 */
#ifndef BASE_OUTPUT_H
#define BASE_OUTPUT_H

#include "base/err.h"

/* Where `path` leads to, absolute; links are followed, and the last name need not
 * exist. */
NODISCARD struct err *output_follow(const char *path, char **out);
/* May the file be written, at a path that output_follow() gave: is it regular, or free,
 * and can files be made in its folder?  Ask before the work and again after it. */
NODISCARD struct err *output_check(const char *path);

/* ERR_USAGE when writing `path` would take the file `input` away, which `what` names in
 * the error ("the definition").  Neither need exist; what is not a regular file is not
 * lost; `input` NULL is no file. */
NODISCARD struct err *output_spare(const char *path, const char *input, const char *what);
/* ERR_USAGE when `path` lies in the folder `folder_fd`, however deep, where no file is
 * the user's: `what` names it in the error ("the cache").  NULL also when its own folder
 * cannot be looked at: output_check() says why. */
NODISCARD struct err *output_keep_out(const char *path, int folder_fd, const char *what);

#endif
