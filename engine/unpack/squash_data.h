/* SPDX-License-Identifier: MIT
 * squash_data.h - the data of one file of a squashfs, piece by piece.
 *
 * Purpose:   blocks in order, then the tail end, which lies in a block that several files
 *            share. Holes are left out. (libsquashfs's own reader of blocks finds each by
 *            adding up the sizes of all before it, which an image can make take hours.)
 * Ownership: squash_data_release() frees the buffers; everything else is borrowed.
 * Threads:   one.
 * Errors:    ERR_CORRUPT.
 */
#ifndef ENGINE_UNPACK_SQUASH_DATA_H
#define ENGINE_UNPACK_SQUASH_DATA_H

#include <sqfs/compressor.h>
#include <sqfs/data_reader.h>
#include <sqfs/inode.h>

#include "engine/unpack/unpack_entries.h"

struct squash_data {
	sqfs_file_t *file;
	sqfs_compressor_t *compressor;
	sqfs_data_reader_t *tails; /* reads tail ends only */
	uint32_t block_size;
	unsigned char *packed, *unpacked; /* of block_size bytes each */
	/* The present file. */
	const sqfs_inode_generic_t *inode;
	uint64_t size;	 /* of the file */
	uint64_t offset; /* in the file, of the next piece */
	uint64_t disk;	 /* in the image, of the next block */
	size_t block, n_blocks;
	bool is_tail_read;
	sqfs_u8 *tail;
};

void squash_data_init(struct squash_data *d, sqfs_file_t *file,
		      sqfs_compressor_t *compressor, sqfs_data_reader_t *tails,
		      uint32_t block_size);
/* Begin with the data of `inode`, a regular file, which must live as long. */
NODISCARD struct err *squash_data_begin(struct squash_data *d,
					const sqfs_inode_generic_t *inode);
/* As unpack_entries.piece. */
NODISCARD struct err *squash_data_piece(struct squash_data *d, struct unpack_piece *out);
void squash_data_release(struct squash_data *d);

#endif
