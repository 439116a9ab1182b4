/* SPDX-License-Identifier: MIT
 * unpack_meta.h - owner, mode, xattrs and times of one tar entry.
 *
 * Purpose:   what an entry says about itself, checked, and applied to a file in the one
 *            order that works: owner, mode (chown clears set-id bits), xattrs (chown
 *            clears capabilities), times.
 * Threads:   any.
 * Errors:    ERR_CORRUPT for ids past 2^32-2; ERR_SYS, ERR_NOSPACE.
 */
#ifndef ENGINE_UNPACK_UNPACK_META_H
#define ENGINE_UNPACK_UNPACK_META_H

#include "engine/unpack/archive_lib.h"
#include <sys/types.h>
#include <time.h>

#include "base/err.h"
#include "engine/unpack/unpack.h"

struct entry_meta {
	uid_t uid;
	gid_t gid;
	mode_t mode; /* permission and set-id bits */
	struct timespec mtime;
	struct archive_entry *entry; /* borrowed, for its xattrs */
};

NODISCARD struct err *entry_meta_read(struct archive_entry *entry,
				      struct entry_meta *out);
/* To what `fd` (not O_PATH) is open on: a regular file or a folder. */
NODISCARD struct err *entry_meta_apply(const struct entry_meta *meta, int fd,
				       struct unpack_result *counts);
/* To `name` in `dir_fd`, a link, fifo or device: xattrs cannot be kept on those (only
 * security.* ones exist, and no image has them there). */
NODISCARD struct err *entry_meta_apply_at(const struct entry_meta *meta, int dir_fd,
					  const char *name, struct unpack_result *counts);

#endif
