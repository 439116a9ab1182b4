/* SPDX-License-Identifier: MIT
 * blob_path.h - where a blob lies in the store: for the files that deal with blobs.
 */
#ifndef CACHE_BLOB_PATH_H
#define CACHE_BLOB_PATH_H

#include "base/digest.h"

enum { BLOB_PATH_SIZE = 96 };

/* Below the store, into `out` of BLOB_PATH_SIZE bytes. */
void blob_path(const struct digest *id, char *out);

#endif
