/* SPDX-License-Identifier: MIT
 * stat_memo.h - what host files held when they were last read.
 *
 * Purpose:   from a file's stat (device, inode, size, mtime and ctime in ns, mode) to the
 *            digest of its content, so that an unchanged tree costs only its stats. It is
 *            one file in the store, `stat-memo`; losing it costs time, never correctness.
 *
 *            An entry is only added if the file's times precede the moment of reading by
 *            more than any filesystem's granularity: else a later change could leave the
 *            same times (git's racy entries). Setting mtime back does not fool it: ctime
 *            cannot be set. Files without size or blocks are never added: those of /proc
 *            and /sys change without a trace.
 * Ownership: stat_memo_free() ends it; the store is borrowed.
 * Threads:   find and add from any thread; the first of these calls reads the memo.
 * Errors:    a missing or damaged memo counts as empty; save: ERR_SYS, ERR_NOSPACE.
 */
#ifndef CACHE_STAT_MEMO_H
#define CACHE_STAT_MEMO_H

#include <sys/stat.h>

#include "base/content_memo.h"
#include "cache/store.h"

struct stat_memo;

struct stat_memo *stat_memo_new(const struct store *s);
void stat_memo_free(struct stat_memo *m);
/* The content of a regular file, unless it must be read. */
bool stat_memo_find(struct stat_memo *m, const struct stat *st, struct digest *out);
/* Remember `content`, read between the stats `before` and `after`; `read_ns` is
 * clock_real_ns() before reading began.  Does nothing unless `content` is certain. */
void stat_memo_add(struct stat_memo *m, const struct stat *before,
		   const struct stat *after, int64_t read_ns,
		   const struct digest *content);
/* The memo, for code that knows no store; with NULL it knows nothing. */
struct content_memo stat_memo_table(struct stat_memo *m);
/* Write the memo if there is anything new.  Drops entries that were not used for a month.
 * Of two processes that save at the same time the last one wins. */
NODISCARD struct err *stat_memo_save(struct stat_memo *m);

#endif
