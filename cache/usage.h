/* SPDX-License-Identifier: MIT
 * usage.h - how much of its disk the store takes.
 *
 * Purpose:   allocated blocks, as du(1) counts them: a file with several names once, and
 *            folders too. Measured exactly, by looking at everything; or quickly, from
 *            the numbers in the layers' seals (seal.h), so that a start does not look
 *            into layers.
 * Threads:   any.
 * Errors:    ERR_SYS. What disappears meanwhile is not an error.
 */
#ifndef CACHE_USAGE_H
#define CACHE_USAGE_H

#include "cache/store.h"

struct usage {
	uint64_t bytes; /* of allocated blocks */
	uint64_t files; /* inodes */
};

enum usage_kind {
	USAGE_LAYERS,
	USAGE_BLOBS,
	USAGE_RECORDS,
	USAGE_LOGS,
	USAGE_TMP,
	USAGE_FAILED,
	USAGE_OTHER, /* the store's own folder, leases, locks, unknown files */
	USAGE_KINDS,
};

struct usage_report {
	struct usage kinds[USAGE_KINDS];
	struct usage total;
};

enum usage_how {
	USAGE_EXACT, /* look at everything */
	USAGE_QUICK, /* believe the seals */
};

const char *usage_kind_name(enum usage_kind kind); /* "layers" */
NODISCARD struct err *usage_measure(const struct store *s, enum usage_how how,
				    struct usage_report *out);
/* Of `name` below `dir_fd` and everything below it; zero when it is missing. */
NODISCARD struct err *usage_of_tree(int dir_fd, const char *name, struct usage *out);
void usage_add(struct usage *to, const struct usage *more);
/* Never goes below zero. */
void usage_subtract(struct usage *from, const struct usage *part);

#endif
