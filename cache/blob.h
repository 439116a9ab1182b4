/* SPDX-License-Identifier: MIT
 * blob.h - files named by their SHA-256, as registries name them.
 *
 * Purpose:   a blob is visible under its digest only once it is whole and checked. A
 *            broken transfer leaves a partial file that the next one continues. The blobs
 *            of layers are dropped once they are unpacked: keeping both would make a
 *            store a third larger.
 * Ownership: descriptors are the caller's. blob_writer_release() ends a writer; unless it
 *            was finished, the bytes received stay as a partial file for the next try.
 * Threads:   any; one writer at a time for each digest (others wait in blob_writer_open
 *            for its lock, in this process and across processes).
 * Errors:    blob_open(): ERR_NOTFOUND. blob_writer_finish(): ERR_CORRUPT when the
 *            digest or size is wrong; the partial file is gone then.
 */
#ifndef CACHE_BLOB_H
#define CACHE_BLOB_H

#include "base/buf.h"
#include "cache/store.h"

bool blob_exists(const struct store *s, const struct digest *id);
/* Open for reading; `size` (bytes) may be NULL. */
NODISCARD struct err *blob_open(const struct store *s, const struct digest *id, int *fd,
				uint64_t *size);
/* Read a small one, of at most `max` bytes, and check it.  ERR_CORRUPT: it was damaged,
 * and is removed, so that it can be stored again. */
NODISCARD struct err *blob_read(const struct store *s, const struct digest *id,
				size_t max, struct buf *out);
/* Store `len` bytes whose digest is `id` (checked: ERR_CORRUPT). */
NODISCARD struct err *blob_put(const struct store *s, const struct digest *id,
			       const void *data, size_t len);

/* The blob's contents are unpacked in the store and have a record: the blob is no longer
 * needed, but stays until blob_drop_spent(). */
void blob_spend(struct store *s, const struct digest *id);
/* Remove the spent blobs, once everything written so far is on disk, except those that a
 * living lease names: so none while this process has its own.  ERR_SYS, ERR_NOSPACE. */
NODISCARD struct err *blob_drop_spent(struct store *s);

struct blob_writer;

/* Begin or resume receiving blob `id` of `size` bytes (UINT64_MAX: unknown).  Bytes that
 * an earlier try received are read again and hashed. */
NODISCARD struct err *blob_writer_open(const struct store *s, const struct digest *id,
				       uint64_t size, struct blob_writer **out);
/* Bytes received and hashed so far: where a Range request continues. */
uint64_t blob_writer_have(const struct blob_writer *w);
/* ERR_CORRUPT when more than `size` bytes arrive. */
NODISCARD struct err *blob_writer_write(struct blob_writer *w, const void *data,
					size_t len);
/* Forget the bytes received: the server cannot resume. */
NODISCARD struct err *blob_writer_restart(struct blob_writer *w);
/* Check, sync, publish. */
NODISCARD struct err *blob_writer_finish(struct blob_writer *w);
void blob_writer_release(struct blob_writer *w);
void blob_writer_releasep(struct blob_writer **w);

#endif
