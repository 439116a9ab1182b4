/* SPDX-License-Identifier: MIT
 * sqfs_deflate.h - a libsquashfs compressor whose gzip blocks libdeflate makes.
 *
 * Purpose:   squashfs's "gzip" blocks are zlib streams (RFC 1950); libdeflate makes them
 *            nine times as fast as zlib's level 9 at the same size (bench/README.md).
 * Ownership: sqfs_destroy() ends it.
 * Threads:   libsquashfs copies it once for each of its threads.
 */
#ifndef ENGINE_IMAGE_SQFS_DEFLATE_H
#define ENGINE_IMAGE_SQFS_DEFLATE_H

#include <sqfs/compressor.h>

/* `level` 1 to 12; `block_size` in bytes. */
sqfs_compressor_t *sqfs_deflate_new(int level, sqfs_u32 block_size);

#endif
