/* SPDX-License-Identifier: MIT
 * outline.h - what a layer looks like from outside: is all of it still there?
 *
 * Purpose:   a count and a digest over names, types, modes, owners, sizes and times of
 *            everything in a layer, but not over contents. Like the seal, it is kept in
 *            an extended attribute of the layer's folder that overlayfs does not show.
 *            Comparing it costs a stat(2) for each file (30 ms for a Debian base), where
 *            the seal reads everything. So each use of a layer can check it, and a layer
 *            that a cleaner of /tmp went through is not taken for whole.
 *
 *            Inode numbers, change times and link counts do not count: a store copied or
 *            restored with its times and attributes is the same store.
 * Threads:   any.
 * Errors:    ERR_SYS, ERR_NOSPACE, ERR_CANCELLED.
 */
#ifndef CACHE_OUTLINE_H
#define CACHE_OUTLINE_H

#include "cache/seal.h"

/* Make the outline of the request's folder, and write it down there. */
NODISCARD struct err *outline_make(const struct seal_request *request);
/* Is the folder still what it was then?  NULL: yes; ERR_CORRUPT: no, or it has no
 * outline; ERR_NOTFOUND: there is no folder; or the error of the walk. */
NODISCARD struct err *outline_check(const struct seal_request *request);

#endif
