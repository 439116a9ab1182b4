/* SPDX-License-Identifier: MIT
 * content.h - a file's bytes: naming or copying them costs only what the data costs.
 *
 * Purpose:   a file's content is its size and the SHA-256 of its blocks of 128 KiB that
 *            are not all zeros, each with its number: the same name in every store. So a
 *            hole and written zeros are equal, as they are to a reader, and a hole costs
 *            nothing: neither time (a sparse file of 1 TiB) nor space in the copy. Memory
 *            is one block.
 * Ownership: everything is borrowed; content_reader_release() ends a reader.
 * Threads:   a reader belongs to one thread.
 * Errors:    ERR_SYS, ERR_NOSPACE, ERR_CANCELLED.
 */
#ifndef BASE_CONTENT_H
#define BASE_CONTENT_H

#include "base/digest.h"
#include "base/stop.h"

struct content {
	uint64_t size; /* bytes, holes included */
	struct digest blocks;
};

struct content_reader {
	/* NULL: the content gets its name.  Else a digest keyed with the secret (XXH3),
	 * in a fraction of the time; it is comparable only within this store. */
	const struct hash_secret *secret;
	struct stop stop; /* asked for each block; may be unset */
	/* Called for each block with the bytes read so far; may be NULL. */
	void (*progress)(void *context, uint64_t done);
	void *context;
	/* ---- private ---- */
	unsigned char *block; /* NULL before the first file */
	uint64_t done;
};

/* Read `in`, which is open on a regular file, to its end, and write it to `out`, a new or
 * empty file, unless `out` is -1.  `content` NULL: only copy, which takes a fraction of
 * the time. */
NODISCARD struct err *content_read(struct content_reader *r, int in, int out,
				   struct content *content);
void content_reader_release(struct content_reader *r);
/* Add it to a larger digest. */
void content_add(struct hasher *h, const struct content *content);

#endif
