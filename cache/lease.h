/* SPDX-License-Identifier: MIT
 * lease.h - what running processes need of the store.
 *
 * Purpose:   a process that uses layers, blobs or records has a lease: a file under
 *            leases/, locked while the process lives, that names them. The collector
 *            (gc.h) takes nothing that a living lease names.
 *
 *            A process that wants to use something first writes its name into its lease,
 *            and then looks whether it is there. The collector reads the leases and moves
 *            its victims out of sight under one lock, which a writer shares for the
 *            length of one write(2). So what is there after it was named stays.
 * Ownership: lease_free() ends a lease and removes its file; lease_set_release() ends
 *            what was read of all leases.
 * Threads:   lease_add() and lease_reserve() from any.
 * Errors:    ERR_NOSPACE, ERR_SYS.
 */
#ifndef CACHE_LEASE_H
#define CACHE_LEASE_H

#include "base/buf.h"
#include "base/map.h"
#include "base/vec.h"
#include "cache/store.h"

enum lease_kind {
	LEASE_LAYER = 'L',
	LEASE_BLOB = 'B',
	LEASE_RECORD = 'R',
};

struct lease;

NODISCARD struct err *lease_new(const struct store *s, struct lease **out);
void lease_free(struct lease *l);
/* Name something; naming it again costs nothing. */
NODISCARD struct err *lease_add(struct lease *l, enum lease_kind kind, const char *name);
/* Say how much this process is still going to add; replaces the earlier number. */
NODISCARD struct err *lease_reserve(struct lease *l, uint64_t bytes, uint64_t files);

/* Everything that living processes need. */
struct lease_set {
	VEC(struct buf) texts; /* the names point into these */
	struct map names;      /* "Lname" to itself */
	size_t alive;
	int64_t oldest_ns;     /* when the oldest process began; INT64_MAX: none */
	uint64_t bytes, files; /* reserved by all */
	/* When this process began, and the youngest of the processes that reserved
	 * something; INT64_MIN: none. */
	int64_t own_ns, youngest_ns;
};

#define LEASE_SET_INIT                                                                   \
	{                                                                                \
		{0}, MAP_INIT, 0, INT64_MAX, 0, 0, INT64_MIN, INT64_MIN                  \
	}

/* Read all leases; those of dead processes are removed. */
NODISCARD struct err *lease_set_read(const struct store *s, struct lease_set *out);
bool lease_set_has(const struct lease_set *set, enum lease_kind kind, const char *name);
void lease_set_release(struct lease_set *set);

/* Keep every process from naming things until `*fd` is closed. */
NODISCARD struct err *lease_lock(const struct store *s, int *fd);

#endif
