/* SPDX-License-Identifier: MIT
 * file_content.h - contents of files that `%files` copies, read, or known to the memo.
 *
 * Purpose:   base/content.h with a memo, which saves reading host files again.
 * Ownership: everything is borrowed.
 * Threads:   a reader belongs to one thread.
 * Errors:    those of content_read(); ERR_SYS for a file that is too large.
 */
#ifndef ENGINE_TREE_FILE_CONTENT_H
#define ENGINE_TREE_FILE_CONTENT_H

#include <sys/stat.h>

#include "base/cancel.h"
#include "base/content.h"
#include "base/content_memo.h"

/* How files are read. */
struct file_reading {
	const struct cancel *cancel; /* may be NULL */
	uint64_t max_file; /* bytes of a file, and of all together, holes included; 0: no
			      limit */
	struct content_memo memo; /* saves reading files that it knows; may be unset */
	/* Called with bytes read so far, for each 128 KiB; may be NULL. */
	void (*progress)(void *context, uint64_t done);
	void *context;
};

/* A reader for such files; end it by content_reader_release().  It reports progress
 * unless `is_silent`. */
struct content_reader file_content_reader(const struct file_reading *how, bool is_silent);
/* The content of `st`'s file, if the memo knows it. */
bool file_content_find(const struct file_reading *how, const struct stat *st,
		       struct content *content);
/* As content_read(); the memo then remembers what was read. */
NODISCARD struct err *file_content_read(const struct file_reading *how,
					struct content_reader *r, int in, int out,
					struct content *content);

#endif
