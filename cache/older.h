/* SPDX-License-Identifier: MIT
 * older.h - what a release with another format left in the store.
 *
 * Purpose:   a store whose format is older than ours (STORE_FORMAT) is raised to it when
 *            it is opened for writing. Nothing is moved then, since a process of the
 *            older release may be running: what it left and what we make have different
 *            names. The file `older` says that there is something left, and the next
 *            collection (gc.h) takes it: records, with the layers that only they need,
 *            histories, logs, and the stat memo. Downloads and the roots of failed steps
 *            stay, with the layers that these stand on; what a living lease names stays
 *            until another collection.
 * Ownership: nothing is kept.
 * Threads:   any.
 * Errors:    ERR_SYS.
 */
#ifndef CACHE_OLDER_H
#define CACHE_OLDER_H

#include "cache/store.h"

/* Is something left, as far as is known? */
bool older_is_left(const struct store *s);
/* When the store was raised to our format, by its filesystem's clock: files last written
 * before are an older release's.  INT64_MIN: nothing of that is left; INT64_MAX: the
 * store is of that format still, being open for reading, and so is all in it. */
int64_t older_raised_ns(const struct store *s);
/* Is the record under the key `hex` of an older format? */
bool older_is_record(const char *hex);
/* Remove the histories and the memo.  With the lock of the leases held. */
NODISCARD struct err *older_drop_files(const struct store *s);
/* Nothing is left. */
NODISCARD struct err *older_forget(const struct store *s);

#endif
