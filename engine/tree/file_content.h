/* SPDX-License-Identifier: MIT
 * file_content.h - contents of files that `%files` copies, as far as the memo knows them.
 *
 * Purpose:   base/content.h with the request's memo, which saves reading host files again.
 * Ownership: everything is borrowed.
 * Threads:   a reader belongs to one thread.
 * Errors:    those of content_read(); ERR_SYS for a file that is too large.
 */
#ifndef ENGINE_TREE_FILE_CONTENT_H
#define ENGINE_TREE_FILE_CONTENT_H

#include <sys/stat.h>

#include "base/content.h"
#include "engine/tree/tree_copy.h"

/* A reader for the request's files; end it by content_reader_release().  It tells its progress
 * unless `is_silent`. */
struct content_reader file_content_reader(const struct copy_request *request,
					  bool is_silent);
/* The content of `st`'s file, if the request's memo knows it. */
bool file_content_find(const struct copy_request *request, const struct stat *st,
		       struct content *content);
/* As content_read(), and remember in the memo what was read. */
NODISCARD struct err *file_content_read(const struct copy_request *request,
					struct content_reader *r, int in, int out,
					struct content *content);

#endif
