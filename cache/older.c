/* SPDX-License-Identifier: MIT
 * older.c - see older.h.
 *
 * Up to format 3 keys were XXH3, of 32 digits, and had names of 30 in a folder of 2.
 */
#include "cache/older.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/dir.h"
#include "base/path.h"
#include "cache/store_make.h"
#include "cache/store_names.h"

static const size_t OLD_KEY_DIGITS = 32;

bool older_is_left(const struct store *s)
{
	return faccessat(store_fd(s), STORE_OLDER, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
	       !store_is_current(store_fd(s));
}

int64_t older_raised_ns(const struct store *s)
{
	struct stat st;

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

/* "history/ab": the names of its files are two digits shorter than those of keys. */
static struct err *drop_histories_of(const struct store *s, const char *folder)
{
	CLEANUP(dir_closep) DIR *dir = dir_open(store_fd(s), folder, O_NOFOLLOW);
	const char *name;

	while (dir && (name = dir_next(dir)) != NULL) {
		CLEANUP(freep) char *path = path_join(folder, name);

		if (store_name_of(path) == STORE_NAME_FILE &&
		    strlen(name) == OLD_KEY_DIGITS - 2 + strlen(".json"))
			TRY(drop(s, path));
	}
	return NULL;
}

static struct err *drop_histories(const struct store *s)
{
	CLEANUP(dir_closep) DIR *dir = dir_open(store_fd(s), "history", O_NOFOLLOW);
	const char *name;

	while (dir && (name = dir_next(dir)) != NULL) {
		CLEANUP(freep) char *path = path_join("history", name);

		if (store_name_of(path) == STORE_NAME_FOLDER)
			TRY(drop_histories_of(s, path));
	}
	return NULL;
}

struct err *older_drop_files(const struct store *s)
{
	struct stat st;

	TRY(drop_histories(s));
	/* Ours would have been written since. */
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
