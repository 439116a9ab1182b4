/* SPDX-License-Identifier: MIT
 * squash.h - a squashfs image read as entries for the writer.
 *
 * Purpose:   libsquashfs reads (every compression that it was built with); folders come
 *            before what is in them, and the second name of a file is a hard link to the
 *            first. The image comes from a stranger: names are checked, a folder counts
 *            once, and nothing unbounded is held.
 * Ownership: squash_free() ends it; the descriptor is borrowed, and read with pread(2).
 * Threads:   a reader belongs to one thread.
 * Errors:    ERR_CORRUPT (damaged or hostile), ERR_UNSUPPORTED (a compression that the
 *            library lacks), ERR_SYS (reading).
 */
#ifndef ENGINE_UNPACK_SQUASH_H
#define ENGINE_UNPACK_SQUASH_H

#include "engine/unpack/unpack_entries.h"

struct squash;

struct squash_source {
	int fd;
	uint64_t offset, size; /* of the squashfs in the file */
	/* Called with bytes read so far, every MiB or so; may be NULL. */
	void (*progress)(void *context, uint64_t done);
	void *context;
};

/* Does a file that begins with these bytes claim to be one? */
bool squash_is_image(const void *data, size_t len);
NODISCARD struct err *squash_open(const struct squash_source *source,
				  struct squash **out);
struct unpack_entries squash_entries(struct squash *s);
void squash_free(struct squash *s);
void squash_freep(struct squash **s);

#endif
