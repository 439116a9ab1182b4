/* SPDX-License-Identifier: MIT
 * content_memo.h - something that remembers what files held, such as cache/stat_memo.h.
 *
 * Purpose:   spares code that reads files from reading some of them; that code knows no
 *            store.
 * Ownership: `self` is borrowed.
 * Threads:   as the functions behind it: any.
 */
#ifndef BASE_CONTENT_MEMO_H
#define BASE_CONTENT_MEMO_H

#include <sys/stat.h>

#include "base/digest.h"

struct content_memo {
	void *self;
	/* The content of a regular file, unless it must be read.  NULL: nothing is
	 * known. */
	bool (*find)(void *self, const struct stat *st, struct digest *out);
	/* Remember `content`, read between the stats `before` and `after`; `read_ns` is
	 * clock_real_ns() before reading began. */
	void (*add)(void *self, const struct stat *before, const struct stat *after,
		    int64_t read_ns, const struct digest *content);
};

#endif
