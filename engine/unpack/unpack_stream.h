/* SPDX-License-Identifier: MIT
 * unpack_stream.h - a compressed blob read as tar entries, hashed on the way.
 *
 * Purpose:   two libarchive readers in a row: one decompresses (gzip, zstd or none, told
 *            by magic); its output is hashed and counted, and feeds the other, which
 *            reads tar. One reader is not enough: a diffID covers the padding that
 *            follows the last entry, which a tar reader does not show.
 * Ownership: unpack_stream_free() ends it; the descriptor is borrowed, and read with
 *            pread(2) from 0, so that its offset does not matter.
 * Threads:   a stream belongs to one thread; LC_CTYPE must be "C" (why: unpack_child.c).
 * Errors:    ERR_CORRUPT (damaged, past a limit, wrong digest), ERR_SYS (reading).
 */
#ifndef ENGINE_UNPACK_UNPACK_STREAM_H
#define ENGINE_UNPACK_UNPACK_STREAM_H

#include "engine/unpack/unpack_entries.h"

#include "base/digest.h"

struct unpack_stream;

struct unpack_source {
	int blob_fd;
	uint64_t stream_max; /* bytes after decompression */
	/* Called with compressed bytes read so far, every MiB or so; may be NULL. */
	void (*progress)(void *context, uint64_t done);
	void *context;
};

NODISCARD struct err *unpack_stream_open(const struct unpack_source *source,
					 struct unpack_stream **out);
/* For the writer. */
struct unpack_entries unpack_stream_entries(struct unpack_stream *s);
/* Read what follows the archive, and compare the digest of the whole stream with
 * `diff_id` if set. */
NODISCARD struct err *unpack_stream_finish(struct unpack_stream *s,
					   const struct digest *diff_id);
void unpack_stream_free(struct unpack_stream *s);
void unpack_stream_freep(struct unpack_stream **s);

#endif
