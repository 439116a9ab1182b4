/* SPDX-License-Identifier: MIT
 * size_limit.h - how large files may be, holes included.
 *
 * Purpose:   a stranger's archive, or a bug in a script, makes a file of 8 TiB out of
 *            nothing. Holes cost little here, but everything that reads the image pays
 *            for them.
 * Threads:   a limit belongs to one thread.
 * Errors:    size_limit_add(): ERR_SYS, with a hint, but without the file's name.
 */
#ifndef BASE_SIZE_LIMIT_H
#define BASE_SIZE_LIMIT_H

#include "base/err.h"

/* The limit unless the user sets another: 1 TiB. */
#define SIZE_LIMIT_DEFAULT GIB(1024)

struct size_limit {
	uint64_t max; /* bytes, for one file and for all together; 0: no limit */
	uint64_t sum; /* of the files so far */
};

/* One more file of `size` bytes. */
NODISCARD struct err *size_limit_add(struct size_limit *l, uint64_t size);

#endif
