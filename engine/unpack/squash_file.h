/* SPDX-License-Identifier: MIT
 * squash_file.h - a part of a file, as libsquashfs reads it.
 *
 * Purpose:   the squashfs lies somewhere in an image; nothing outside of it is read.
 * Ownership: sqfs_destroy() ends it; the descriptor is borrowed.
 * Threads:   one.
 * Errors:    squash_file_error(): what reading met, if it is not the image's fault.
 */
#ifndef ENGINE_UNPACK_SQUASH_FILE_H
#define ENGINE_UNPACK_SQUASH_FILE_H

#include <sqfs/io.h>

#include "engine/unpack/squash.h"

sqfs_file_t *squash_file_new(const struct squash_source *source);
/* errno of the first read that failed; 0: none did. */
int squash_file_error(sqfs_file_t *file);

#endif
