/* SPDX-License-Identifier: MIT
 * blob.h - files named by their SHA-256, as registries name them.
 *
 * Purpose:   a blob is visible under its digest only once it is whole and checked. A
 *            broken transfer leaves a partial file that the next one continues. Those
 *            of layers are dropped when they are unpacked: to keep both would make a
 *            store larger by a third.
 * Ownership: descriptors are the caller's. blob_writer_release() ends a writer; unless
 *            it was finished, what was received stays as partial file for the next try.
 * Threads:   any; one writer at a time for each digest (others wait in blob_writer_open
 *            for its lock, in this process and across processes).
 * Errors:    blob_open(): ERR_NOTFOUND. blob_writer_finish(): ERR_CORRUPT when the
 *            digest or size is wrong; the partial file is gone then.
 */
#ifndef CACHE_BLOB_H
#define CACHE_BLOB_H

#include "cache/store.h"

bool blob_exists(const struct store *s, const struct digest *id);
/* Open for reading; `size` (bytes) may be NULL. */
NODISCARD struct err *blob_open(const struct store *s, const struct digest *id, int *fd,
				uint64_t *size);
/* Store `len` bytes whose digest is `id` (checked: ERR_CORRUPT). */
NODISCARD struct err *blob_put(const struct store *s, const struct digest *id,
			       const void *data, size_t len);

/* What the blob holds lies unpacked in the store, and has a record: it is not needed any
 * more, but is kept until blob_drop_spent(). */
void blob_spend(struct store *s, const struct digest *id);
/* Remove what was spent, once all that was written until now is on disk; but for what a
 * living lease names: so not while this process has its own.  ERR_SYS, ERR_NOSPACE. */
NODISCARD struct err *blob_drop_spent(struct store *s);

struct blob_writer;

/* Begin, or go on, receiving blob `id` of `size` bytes (UINT64_MAX: unknown).  What an
 * earlier try received is read again and hashed. */
NODISCARD struct err *blob_writer_open(const struct store *s, const struct digest *id,
				       uint64_t size, struct blob_writer **out);
/* Bytes received and hashed so far: where a Range request goes on. */
uint64_t blob_writer_have(const struct blob_writer *w);
/* ERR_CORRUPT when more than `size` bytes come. */
NODISCARD struct err *blob_writer_write(struct blob_writer *w, const void *data,
					size_t len);
/* Forget what was received: the server does not continue. */
NODISCARD struct err *blob_writer_restart(struct blob_writer *w);
/* Check, sync, publish. */
NODISCARD struct err *blob_writer_finish(struct blob_writer *w);
void blob_writer_release(struct blob_writer *w);
void blob_writer_releasep(struct blob_writer **w);

#endif
