/* SPDX-License-Identifier: MIT
 * blob_copy.c - see blob_copy.h.
 */
#include "engine/agent/blob_copy.h"

#include <stdlib.h>
#include <unistd.h>

#include "cache/blob.h"

enum { CHUNK = 128 * 1024 };

static struct err *copy(int fd, const struct registry_watch *watch, uint64_t size,
			struct blob_writer *to)
{
	CLEANUP(freep) unsigned char *chunk = xmalloc(CHUNK);
	uint64_t done = 0;

	for (;;) {
		ssize_t n = pread(fd, chunk, CHUNK, (off_t)done);

		if (n < 0)
			return err_sys("read");
		if (n == 0)
			return NULL;
		TRY(cancel_check(watch->cancel));
		TRY(blob_writer_write(to, chunk, (size_t)n));
		done += (uint64_t)n;
		if (watch->progress)
			watch->progress(watch->context, done, size);
	}
}

struct err *blob_copy(struct store *store, int fd, uint64_t size,
		      const struct oci_descriptor *blob,
		      const struct registry_watch *watch)
{
	CLEANUP(blob_writer_releasep) struct blob_writer *to = NULL;
	struct err *e;

	if (size != blob->size)
		return err_new(ERR_CORRUPT,
			       "a blob has %llu bytes, and its descriptor says %llu",
			       (unsigned long long)size, (unsigned long long)blob->size);
	TRY(blob_writer_open(store, &blob->digest, size, &to));
	/* What an interrupted run has copied is copied again: that is cheaper than to
	 * find out whether it fits. */
	if (blob_writer_have(to) > 0)
		TRY(blob_writer_restart(to));
	e = copy(fd, watch, size, to);
	if (!e)
		return blob_writer_finish(to);
	/* A copy is not resumed: what there is of it would only take room. */
	err_ignore(blob_writer_restart(to), "the first error counts");
	return e;
}
