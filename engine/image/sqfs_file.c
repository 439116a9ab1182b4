/* SPDX-License-Identifier: MIT
 * sqfs_file.c - see sqfs_file.h.
 */
#include "engine/image/sqfs_file.h"

#include <errno.h>
#include <sqfs/error.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fs.h"

enum { GATHER = 1 << 20 };

struct file_part {
	sqfs_file_t base; /* first: libsquashfs sees this */
	int fd;
	uint64_t offset; /* of the part in the file */
	uint64_t size;	 /* of the part, gathered bytes included */
	int failed;	 /* errno of the first failure */
	uint64_t gathered_at;
	size_t gathered; /* bytes in `data` */
	unsigned char data[GATHER];
};

/* libsquashfs hands us the first member of our struct. */
static struct file_part *part_of(sqfs_file_t *file)
{
	return (struct file_part *)(void *)file;
}

static int fail(struct file_part *p, struct err *e)
{
	if (p->failed == 0)
		p->failed = err_errno(e) ? err_errno(e) : EIO;
	err_free(e);
	return SQFS_ERROR_IO;
}

static int write_out(struct file_part *p, const void *data, size_t len, uint64_t at)
{
	struct err *e = fs_pwrite_all(p->fd, data, len, p->offset + at);

	return e ? fail(p, e) : 0;
}

static int flush(struct file_part *p)
{
	size_t n = p->gathered;

	p->gathered = 0;
	return n > 0 ? write_out(p, p->data, n, p->gathered_at) : 0;
}

static int part_write_at(sqfs_file_t *file, sqfs_u64 at, const void *data, size_t len)
{
	struct file_part *p = part_of(file);

	if (at + len > p->size)
		p->size = at + len;
	if (p->gathered > 0 &&
	    (at != p->gathered_at + p->gathered || p->gathered + len > GATHER) &&
	    flush(p) != 0)
		return SQFS_ERROR_IO;
	if (len > GATHER)
		return write_out(p, data, len, at);
	if (p->gathered == 0)
		p->gathered_at = at;
	memcpy(p->data + p->gathered, data, len);
	p->gathered += len;
	return 0;
}

static int part_read_at(sqfs_file_t *file, sqfs_u64 at, void *data, size_t len)
{
	struct file_part *p = part_of(file);
	unsigned char *out = data;

	if (flush(p) != 0)
		return SQFS_ERROR_IO;
	while (len > 0) {
		ssize_t n = pread(p->fd, out, len, (off_t)(p->offset + at));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(p, err_sys("read"));
		if (n == 0)
			return SQFS_ERROR_OUT_OF_BOUNDS;
		out += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static sqfs_u64 part_get_size(const sqfs_file_t *file)
{
	return ((const struct file_part *)(const void *)file)->size;
}

/* This really happens: the blocks of a file that turns out to be a copy are cut off
 * again. */
static int part_truncate(sqfs_file_t *file, sqfs_u64 size)
{
	struct file_part *p = part_of(file);

	if (flush(p) != 0)
		return SQFS_ERROR_IO;
	if (ftruncate(p->fd, (off_t)(p->offset + size)) != 0)
		return fail(p, err_sys("truncate"));
	p->size = size;
	return 0;
}

static void part_destroy(sqfs_object_t *object)
{
	free(object);
}

sqfs_file_t *sqfs_part_new(int fd, uint64_t offset)
{
	struct file_part *p = xcalloc(1, sizeof(*p));

	p->base.base.destroy = part_destroy;
	p->base.read_at = part_read_at;
	p->base.write_at = part_write_at;
	p->base.get_size = part_get_size;
	p->base.truncate = part_truncate;
	p->fd = fd;
	p->offset = offset;
	return &p->base;
}

int sqfs_part_flush(sqfs_file_t *file)
{
	struct file_part *p = part_of(file);

	return flush(p) == 0 ? 0 : p->failed;
}

int sqfs_part_errno(const sqfs_file_t *file)
{
	return ((const struct file_part *)(const void *)file)->failed;
}
