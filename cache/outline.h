/* SPDX-License-Identifier: MIT
 * outline.h - what a layer looks like from outside: is all of it still there?
 *
 * Purpose:   a count and a digest over names, types, modes, owners, sizes and times of
 *            all that lies in a layer, but not over contents. It is kept, like the seal,
 *            in an extended attribute of the layer's folder that overlayfs does not show.
 *            To compare it costs a stat(2) for each file (30 ms for a Debian base), where
 *            the seal reads everything: so that a layer can be looked at whenever it is
 *            used, and one that a cleaner of /tmp has been through is not taken for
 *            whole.
 *
 *            Inode numbers, change times and link counts are not in it: a store that was
 *            copied or restored with its times and attributes is the same store.
 * Threads:   any.
 * Errors:    ERR_SYS, ERR_NOSPACE, ERR_CANCELLED.
 */
#ifndef CACHE_OUTLINE_H
#define CACHE_OUTLINE_H

#include "cache/seal.h"

/* Look at the request's folder, and write down there what it is. */
NODISCARD struct err *outline_make(const struct seal_request *request);
/* Is the folder what it was then?  NULL; ERR_CORRUPT when it is not, or says nothing;
 * ERR_NOTFOUND when it is not there; or what the walk fails with. */
NODISCARD struct err *outline_check(const struct seal_request *request);

#endif
