/* SPDX-License-Identifier: MIT
 * squash_data.c - see squash_data.h.
 */
#include "engine/unpack/squash_data.h"

#include <errno.h>
#include <sqfs/block.h>
#include <sqfs/io.h>
#include <stdlib.h>

#include "engine/unpack/squash_file.h"

void squash_data_init(struct squash_data *d, sqfs_file_t *file,
		      sqfs_compressor_t *compressor, sqfs_data_reader_t *tails,
		      uint32_t block_size)
{
	*d = (struct squash_data){
		.file = file,
		.compressor = compressor,
		.tails = tails,
		.block_size = block_size,
		.packed = xmalloc(block_size),
		.unpacked = xmalloc(block_size),
	};
}

void squash_data_release(struct squash_data *d)
{
	sqfs_free(d->tail);
	free(d->packed);
	free(d->unpacked);
}

static struct err *damaged(const struct squash_data *d)
{
	int number = squash_file_error(d->file);

	if (number != 0) {
		errno = number;
		return err_sys("read the image");
	}
	return err_new(ERR_CORRUPT, "the data of the file is damaged");
}

struct err *squash_data_begin(struct squash_data *d, const sqfs_inode_generic_t *inode)
{
	sqfs_free(d->tail);
	d->tail = NULL;
	d->inode = inode;
	d->offset = 0;
	d->block = 0;
	d->n_blocks = sqfs_inode_get_file_block_count(inode);
	d->is_tail_read = false;
	if (sqfs_inode_get_file_size(inode, &d->size) != 0 ||
	    sqfs_inode_get_file_block_start(inode, &d->disk) != 0)
		return damaged(d);
	return NULL;
}

/* Read a block of `size` bytes, which take `word` says how many in the image. */
static struct err *read_block(struct squash_data *d, uint32_t word, size_t size)
{
	uint32_t on_disk = SQFS_ON_DISK_BLOCK_SIZE(word);
	bool is_packed = SQFS_IS_BLOCK_COMPRESSED(word);
	unsigned char *to = is_packed ? d->packed : d->unpacked;
	sqfs_s32 got = (sqfs_s32)on_disk;

	if (on_disk > d->block_size ||
	    d->file->read_at(d->file, d->disk, to, on_disk) != 0)
		return damaged(d);
	d->disk += on_disk;
	if (is_packed)
		got = d->compressor->do_block(d->compressor, d->packed, on_disk,
					      d->unpacked, d->block_size);
	return got == (sqfs_s32)size ? NULL : damaged(d);
}

static struct err *read_tail(struct squash_data *d, struct unpack_piece *out)
{
	size_t size = 0;

	d->is_tail_read = true;
	if (sqfs_data_reader_get_fragment(d->tails, d->inode, &size, &d->tail) != 0 ||
	    size > d->size - d->offset)
		return damaged(d);
	out->data = d->tail;
	out->size = size;
	out->offset = d->offset;
	d->offset += size;
	return NULL;
}

struct err *squash_data_piece(struct squash_data *d, struct unpack_piece *out)
{
	*out = (struct unpack_piece){0};
	while (d->block < d->n_blocks && d->offset < d->size) {
		uint32_t word = d->inode->extra[d->block++];
		uint64_t left = d->size - d->offset;
		size_t size = left < d->block_size ? (size_t)left : d->block_size;

		if (!SQFS_IS_SPARSE_BLOCK(word)) {
			TRY(read_block(d, word, size));
			*out = (struct unpack_piece){d->unpacked, size, d->offset};
		}
		d->offset += size;
		if (out->size > 0)
			return NULL;
	}
	if (d->offset < d->size && !d->is_tail_read)
		TRY(read_tail(d, out));
	if (out->size == 0)
		out->offset = d->size;
	return NULL;
}
