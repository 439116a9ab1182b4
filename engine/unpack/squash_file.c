/* SPDX-License-Identifier: MIT
 * squash_file.c - see squash_file.h.
 */
#include "engine/unpack/squash_file.h"

#include <errno.h>
#include <sqfs/error.h>
#include <stdlib.h>
#include <unistd.h>

struct squash_file {
	sqfs_file_t base; /* first: libsquashfs sees this */
	struct squash_source source;
	int failed;
	uint64_t done, told; /* bytes read, and reported */
};

static struct squash_file *file_of(const sqfs_file_t *file)
{
	return (struct squash_file *)(void *)file;
}

static void report(struct squash_file *f, size_t n)
{
	f->done += n;
	if (!f->source.progress || f->done - f->told < MIB(1))
		return;
	f->told = f->done;
	/* Some blocks of tables are read twice. */
	f->source.progress(f->source.context,
			   f->done < f->source.size ? f->done : f->source.size);
}

static int read_at(sqfs_file_t *file, sqfs_u64 at, void *buffer, size_t size)
{
	struct squash_file *f = file_of(file);
	unsigned char *to = buffer;
	size_t n = 0;

	if (at > f->source.size || size > f->source.size - at)
		return SQFS_ERROR_OUT_OF_BOUNDS;
	while (n < size) {
		ssize_t got = pread(f->source.fd, to + n, size - n,
				    (off_t)(f->source.offset + at + n));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			/* The file has become shorter meanwhile. */
			f->failed = got < 0 ? errno : EIO;
			return SQFS_ERROR_IO;
		}
		n += (size_t)got;
	}
	report(f, size);
	return 0;
}

static int write_at(sqfs_file_t *file, sqfs_u64 at, const void *buffer, size_t size)
{
	(void)file;
	(void)at;
	(void)buffer;
	(void)size;
	return SQFS_ERROR_IO;
}

static sqfs_u64 get_size(const sqfs_file_t *file)
{
	return file_of(file)->source.size;
}

static int truncate_to(sqfs_file_t *file, sqfs_u64 size)
{
	(void)file;
	(void)size;
	return SQFS_ERROR_IO;
}

static void destroy(sqfs_object_t *self)
{
	free(self);
}

sqfs_file_t *squash_file_new(const struct squash_source *source)
{
	struct squash_file *f = xcalloc(1, sizeof(*f));

	f->base = (sqfs_file_t){
		.base = {.destroy = destroy},
		.read_at = read_at,
		.write_at = write_at,
		.get_size = get_size,
		.truncate = truncate_to,
	};
	f->source = *source;
	return &f->base;
}

int squash_file_error(sqfs_file_t *file)
{
	return file_of(file)->failed;
}
