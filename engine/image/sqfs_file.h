/* SPDX-License-Identifier: MIT
 * sqfs_file.h - libsquashfs's file object over a part of a file.
 *
 * Purpose:   everything is shifted by the partition's offset; consecutive writes are
 *            gathered.
 * Ownership: sqfs_destroy() ends it; the descriptor is borrowed.
 * Threads:   libsquashfs calls it from one thread.
 * Errors:    libsquashfs's numbers; sqfs_part_errno() keeps the errno.
 */
#ifndef ENGINE_IMAGE_SQFS_FILE_H
#define ENGINE_IMAGE_SQFS_FILE_H

#include <sqfs/io.h>

#include "base/base.h"

sqfs_file_t *sqfs_part_new(int fd, uint64_t offset);
/* Write out what was gathered; 0 or an errno. */
int sqfs_part_flush(sqfs_file_t *file);
/* errno of the first failed call, or 0. */
int sqfs_part_errno(const sqfs_file_t *file);

#endif
