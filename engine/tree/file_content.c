/* SPDX-License-Identifier: MIT
 * file_content.c - see file_content.h.
 */
#include "engine/tree/file_content.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"

/* Part of every digest: another size is another format. */
static const size_t BLOCK = 128 * (size_t)1024;

void content_reader_release(struct content_reader *r)
{
	free(r->block);
	r->block = NULL;
}

bool content_find(const struct copy_request *request, const struct stat *st,
		  struct file_content *content)
{
	content->size = (uint64_t)st->st_size;
	return request->memo && stat_memo_find(request->memo, st, &content->blocks);
}

static bool is_zero(const unsigned char *data, size_t size)
{
	return size == 0 || (data[0] == 0 && memcmp(data, data + 1, size - 1) == 0);
}

/* The block at `offset`, short only at the file's end. */
static struct err *read_block(struct content_reader *r, int in, uint64_t offset,
			      size_t *size)
{
	const struct copy_request *request = r->request;

	*size = 0;
	while (*size < BLOCK) {
		ssize_t n;

		if (request->cancel)
			TRY(cancel_check(request->cancel));
		n = pread(in, r->block + *size, BLOCK - *size, (off_t)(offset + *size));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys("read");
		if (n == 0)
			break;
		*size += (size_t)n;
	}
	r->done += *size;
	if (request->progress && !r->is_silent)
		request->progress(request->context, r->done);
	return NULL;
}

/* Where the block begins that holds the first data from `offset` on; the end when there
 * is none.  Where the filesystem cannot tell, all is data. */
static uint64_t next_data(int in, uint64_t offset)
{
	off_t data = lseek(in, (off_t)offset, SEEK_DATA);
	off_t end;

	if (data >= 0)
		return (uint64_t)data / BLOCK * BLOCK;
	if (errno != ENXIO)
		return offset;
	end = lseek(in, 0, SEEK_END);
	return end > (off_t)offset ? (uint64_t)end : offset;
}

static struct err *pass_blocks(struct content_reader *r, int in, int out, bool has_holes,
			       struct file_content *content)
{
	CLEANUP(hasher_freep)
	struct hasher *h = hasher_new(DIGEST_XXH3, r->request->secret);
	uint64_t offset = 0;
	size_t n;

	do {
		if (has_holes)
			offset = next_data(in, offset);
		TRY(read_block(r, in, offset, &n));
		if (!is_zero(r->block, n)) {
			hasher_add_u64(h, offset / BLOCK);
			hasher_update(h, r->block, n);
			if (out >= 0)
				TRY(fs_pwrite_all(out, r->block, n, offset));
		}
		offset += n;
	} while (n == BLOCK);
	*content = (struct file_content){offset, hasher_final(h)};
	/* It may end in a hole. */
	if (out >= 0 && ftruncate(out, (off_t)offset) != 0)
		return err_sys("write");
	return NULL;
}

struct err *content_read(struct content_reader *r, int in, int out,
			 struct file_content *content)
{
	int64_t read_ns = clock_real_ns();
	struct stat before, after;

	if (!r->block)
		r->block = xmalloc(BLOCK);
	if (fstat(in, &before) != 0)
		return err_sys("stat");
	TRY(pass_blocks(r, in, out, before.st_blocks < before.st_size / 512, content));
	if (!r->request->memo)
		return NULL;
	if (fstat(in, &after) != 0)
		return err_sys("stat");
	if (content->size == (uint64_t)after.st_size)
		stat_memo_add(r->request->memo, &before, &after, read_ns,
			      &content->blocks);
	return NULL;
}
