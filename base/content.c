/* SPDX-License-Identifier: MIT
 * content.c - see content.h.
 */
#include "base/content.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"

/* Part of every digest: changing the size changes the format. */
static const size_t BLOCK = 128 * (size_t)1024;

/* One file being read. */
struct pass {
	struct content_reader *reader;
	struct hasher *hasher; /* NULL: its name is not wanted */
	int in, out;
	uint64_t data_end; /* data without a hole up to here */
};

void content_reader_release(struct content_reader *r)
{
	free(r->block);
	r->block = NULL;
}

static bool is_zero(const unsigned char *data, size_t size)
{
	return size == 0 || (data[0] == 0 && memcmp(data, data + 1, size - 1) == 0);
}

/* Read the block at `offset`, which is short only at the file's end. */
static struct err *read_block(const struct pass *p, uint64_t offset, size_t *size)
{
	struct content_reader *r = p->reader;

	*size = 0;
	while (*size < BLOCK) {
		ssize_t n;

		TRY(stop_ask(&r->stop));
		n = pread(p->in, r->block + *size, BLOCK - *size,
			  (off_t)(offset + *size));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys("read");
		if (n == 0)
			break;
		*size += (size_t)n;
	}
	r->done += *size;
	if (r->progress)
		r->progress(r->context, r->done);
	return NULL;
}

/* The start of the block that holds the first data at or after `offset`, the start of a
 * block; the end when there is none.  If the filesystem cannot tell, all is data. */
static uint64_t next_data(struct pass *p, uint64_t offset)
{
	off_t data, hole, end;

	/* Always read the first block: most files have no second one. */
	if (offset == 0 || offset < p->data_end)
		return offset;
	data = lseek(p->in, (off_t)offset, SEEK_DATA);
	if (data < 0 && errno == ENXIO) {
		end = lseek(p->in, 0, SEEK_END);
		return end > (off_t)offset ? (uint64_t)end : offset;
	}
	hole = data < 0 ? -1 : lseek(p->in, data, SEEK_HOLE);
	p->data_end = hole < 0 ? UINT64_MAX : (uint64_t)hole;
	return data < 0 ? offset : (uint64_t)data / BLOCK * BLOCK;
}

static struct err *pass_block(const struct pass *p, uint64_t offset, size_t n)
{
	if (p->hasher) {
		hasher_add_u64(p->hasher, offset / BLOCK);
		hasher_update(p->hasher, p->reader->block, n);
	}
	return p->out >= 0 ? fs_pwrite_all(p->out, p->reader->block, n, offset) : NULL;
}

static struct err *pass_blocks(struct pass *p, uint64_t *end)
{
	uint64_t offset = 0;
	size_t n;

	do {
		offset = next_data(p, offset);
		TRY(read_block(p, offset, &n));
		if (!is_zero(p->reader->block, n))
			TRY(pass_block(p, offset, n));
		offset += n;
	} while (n == BLOCK);
	*end = offset;
	/* The file may end in a hole. */
	if (p->out >= 0 && ftruncate(p->out, (off_t)offset) != 0)
		return err_sys("write");
	return NULL;
}

struct err *content_read(struct content_reader *r, int in, int out,
			 struct content *content)
{
	CLEANUP(hasher_freep)
	struct hasher *h =
		content ? hasher_new(r->secret ? DIGEST_XXH3 : DIGEST_SHA256, r->secret)
			: NULL;
	struct pass pass = {.reader = r, .hasher = h, .in = in, .out = out};
	uint64_t size;

	if (!r->block)
		r->block = xmalloc(BLOCK);
	TRY(pass_blocks(&pass, &size));
	if (content)
		*content = (struct content){size, hasher_final(h)};
	return NULL;
}

void content_add(struct hasher *h, const struct content *content)
{
	hasher_add_u64(h, content->size);
	hasher_update(h, content->blocks.bytes, sizeof(content->blocks.bytes));
}
