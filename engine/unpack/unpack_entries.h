/* SPDX-License-Identifier: MIT
 * unpack_entries.h - what the writer reads: entries, one after the other, each with its
 * data.
 *
 * Purpose:   the writer does not know what holds the entries: a layer's tar
 *            (unpack_stream.h) or an image's squashfs (squash.h). They are described by
 *            libarchive's struct archive_entry, which has a place for everything a file
 *            can be.
 * Ownership: `self` is borrowed.
 * Threads:   as the reader's.
 * Errors:    the reader's.
 */
#ifndef ENGINE_UNPACK_UNPACK_ENTRIES_H
#define ENGINE_UNPACK_UNPACK_ENTRIES_H

#include "engine/unpack/archive_lib.h"

#include "base/err.h"

/* A piece of an entry's data; `size` 0 at its end, when `offset` is the entry's size. */
struct unpack_piece {
	const void *data; /* valid until the next call */
	size_t size;
	uint64_t offset; /* in the file: sparse files have holes */
};

struct unpack_entries {
	void *self;
	/* `*entry` is NULL at the end, else valid until the next call. */
	struct err *(*next)(void *self, struct archive_entry **entry);
	/* Of the entry's data. */
	struct err *(*piece)(void *self, struct unpack_piece *out);
};

#endif
