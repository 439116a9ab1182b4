/* SPDX-License-Identifier: MIT
 * older.h - what a release with another format left in the store.
 *
 * Purpose:   a store whose format is older than ours (STORE_FORMAT) is raised to ours
 *            when it is opened for writing. This moves nothing, since a process of the
 *            older release may be running: its files and ours have different names. The
 *            file `older` says that something is left, and the next collection (gc.h)
 *            takes it: records, with the layers that only they need, histories, logs, and
 *            the stat memo. Downloads and the roots of failed steps stay, with the layers
 *            below these roots; what a living lease names stays until a later collection.
 * Ownership: nothing is kept.
 * Threads:   any.
 * Errors:    ERR_SYS.
 */
#ifndef CACHE_OLDER_H
#define CACHE_OLDER_H

#include "cache/store.h"

/* Is something left, as far as we know? */
bool older_is_left(const struct store *s);
/* When the store was raised to our format, by its filesystem's clock: files last written
 * before that are an older release's.  INT64_MIN: none of them is left; INT64_MAX: the
 * store is open for reading and still has the older format, and so has everything in
 * it. */
int64_t older_raised_ns(const struct store *s);
/* Is the record under the key `hex` of an older format? */
bool older_is_record(const char *hex);
/* Remove the histories and the memo.  Call it with the lock of the leases held. */
NODISCARD struct err *older_drop_files(const struct store *s);
/* Note that nothing is left. */
NODISCARD struct err *older_forget(const struct store *s);

#endif
