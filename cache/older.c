/* SPDX-License-Identifier: MIT
 * older.c - see older.h.
 *
 * Up to format 3 keys were XXH3 with 32 digits: a name of 30 in a folder of 2.
 */
#include "cache/older.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/store_make.h"
#include "cache/store_names.h"

enum { OLD_KEY_DIGITS = 32 };

bool older_is_left(const struct store *s)
{
	return faccessat(store_fd(s), STORE_OLDER, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
	       !store_is_current(store_fd(s));
}

int64_t older_raised_ns(const struct store *s)
{
	struct stat st;

	if (!store_is_current(store_fd(s)))
		return INT64_MAX;
	if (fstatat(store_fd(s), STORE_OLDER, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return INT64_MIN;
	return (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
}

bool older_is_record(const char *hex)
{
	return strlen(hex) == OLD_KEY_DIGITS;
}

static struct err *drop(const struct store *s, const char *path)
{
	if (unlinkat(store_fd(s), path, 0) != 0 && errno != ENOENT)
		return err_sys("remove '%s'", path);
	return NULL;
}

/* "history/ab/NAME.json": the names are two digits shorter than keys. */
static struct err *drop_if_history(void *context, const char *path, enum store_name what)
{
	static const size_t length = sizeof("history/ab/.json") - 1 + OLD_KEY_DIGITS - 2;
	const struct store *s = context;

	if (what != STORE_NAME_FILE || strncmp(path, "history/", 8) != 0 ||
	    strlen(path) != length)
		return NULL;
	return drop(s, path);
}

struct err *older_drop_files(const struct store *s)
{
	struct stat st;

	TRY(store_names_each(store_fd(s), drop_if_history, (void *)s));
	/* Our own memo would have been written since. */
	if (fstatat(store_fd(s), "stat-memo", &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec >=
		    older_raised_ns(s))
		return NULL;
	return drop(s, "stat-memo");
}

struct err *older_forget(const struct store *s)
{
	return drop(s, STORE_OLDER);
}
