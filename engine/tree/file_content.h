/* SPDX-License-Identifier: MIT
 * file_content.h - reading a file's bytes: to name them, or to copy them.
 *
 * Purpose:   a file's content is its size and the digest of its blocks of 128 KiB that
 *            are not all zeros, each with its number. So a hole and written zeros are the
 *            same, as they are to a reader, and a hole costs nothing: neither time (a
 *            sparse file of 1 TiB) nor space in the copy. Memory is one block.
 * Ownership: everything is borrowed.
 * Threads:   a reader belongs to one thread.
 * Errors:    ERR_SYS, ERR_NOSPACE, ERR_CANCELLED.
 */
#ifndef ENGINE_TREE_FILE_CONTENT_H
#define ENGINE_TREE_FILE_CONTENT_H

#include "cache/stat_memo.h"
#include "engine/tree/tree_copy.h"

struct file_content {
	uint64_t size;
	struct digest blocks;
};

struct content_reader {
	const struct copy_request *request;
	unsigned char *block; /* one block, for free(); NULL before the first file */
	uint64_t done;	      /* bytes read */
	bool is_silent;	      /* does not tell its progress */
};

void content_reader_release(struct content_reader *r);
/* Read `in`, which is open on a regular file, and write it to `out`, a new or empty file,
 * unless that is -1.  What was read is remembered in the request's memo. */
NODISCARD struct err *content_read(struct content_reader *r, int in, int out,
				   struct file_content *content);
/* The content of `st`'s file, if the request's memo knows it. */
bool content_find(const struct copy_request *request, const struct stat *st,
		  struct file_content *content);

#endif
