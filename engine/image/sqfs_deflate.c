/* SPDX-License-Identifier: MIT
 * sqfs_deflate.c - see sqfs_deflate.h.
 */
#include "engine/image/sqfs_deflate.h"

#include <libdeflate.h>
#include <sqfs/error.h>
#include <stdlib.h>

#include "base/base.h"

struct deflate {
	sqfs_compressor_t base; /* first: libsquashfs sees this */
	struct libdeflate_compressor *state;
	int level;
	sqfs_u32 block_size;
};

static void deflate_destroy(sqfs_object_t *object)
{
	struct deflate *d = (struct deflate *)(void *)object;

	libdeflate_free_compressor(d->state);
	free(d);
}

static sqfs_object_t *deflate_copy(const sqfs_object_t *object)
{
	const struct deflate *d = (const struct deflate *)(const void *)object;

	return &sqfs_deflate_new(d->level, d->block_size)->base;
}

static void deflate_configuration(const sqfs_compressor_t *compressor,
				  sqfs_compressor_config_t *out)
{
	const struct deflate *d = (const struct deflate *)(const void *)compressor;

	sqfs_compressor_config_init(out, SQFS_COMP_GZIP, d->block_size, 0);
}

/* Without an options block readers assume zlib's defaults, which suffice for reading.
 */
static int deflate_write_options(sqfs_compressor_t *compressor, sqfs_file_t *file)
{
	(void)compressor;
	(void)file;
	return 0;
}

static int deflate_read_options(sqfs_compressor_t *compressor, sqfs_file_t *file)
{
	(void)compressor;
	(void)file;
	return SQFS_ERROR_UNSUPPORTED;
}

/* 0 says that the block did not shrink; then libsquashfs stores it as it is. */
static sqfs_s32 deflate_block(sqfs_compressor_t *compressor, const sqfs_u8 *in,
			      sqfs_u32 size, sqfs_u8 *out, sqfs_u32 room)
{
	struct deflate *d = (struct deflate *)(void *)compressor;
	size_t n = libdeflate_zlib_compress(d->state, in, size, out,
					    room < size ? room : size);

	return n < size ? (sqfs_s32)n : 0;
}

sqfs_compressor_t *sqfs_deflate_new(int level, sqfs_u32 block_size)
{
	struct deflate *d = xcalloc(1, sizeof(*d));

	d->state = libdeflate_alloc_compressor(level);
	if (!d->state)
		abort(); /* only memory can fail here */
	d->level = level;
	d->block_size = block_size;
	d->base.base.destroy = deflate_destroy;
	d->base.base.copy = deflate_copy;
	d->base.get_configuration = deflate_configuration;
	d->base.write_options = deflate_write_options;
	d->base.read_options = deflate_read_options;
	d->base.do_block = deflate_block;
	return &d->base;
}
