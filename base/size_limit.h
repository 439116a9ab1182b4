/* SPDX-License-Identifier: MIT
 * size_limit.h - how large files may be, holes included.
 *
 * Purpose:   a stranger's archive, or a slip of a script, makes a file of 8 TiB out of
 *            nothing. Holes cost little here, but all who read the image pay for them.
 * Threads:   a limit belongs to one thread.
 * Errors:    size_limit_add(): ERR_SYS, which does not name the file, with a hint.
 */
#ifndef BASE_SIZE_LIMIT_H
#define BASE_SIZE_LIMIT_H

#include "base/err.h"

/* What it is unless the user says: 1 TiB. */
#define SIZE_LIMIT_DEFAULT GIB(1024)

struct size_limit {
	uint64_t max; /* bytes, for a file and for all together; 0: none */
	uint64_t sum; /* of the files so far */
};

/* One more file of `size` bytes. */
NODISCARD struct err *size_limit_add(struct size_limit *l, uint64_t size);

#endif
