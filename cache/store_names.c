/* SPDX-License-Identifier: MIT
 * store_names.c - see store_names.h.
 */
#include "cache/store_names.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>

#include "base/dir.h"
#include "base/path.h"
#include "cache/store.h"

/* Digits of digests, and characters of fs_random_name(). */
#define H "[0-9a-f]"
#define H2 H H
#define H6 H2 H2 H2
#define H8 H6 H2
#define H30 H6 H6 H6 H6 H6
#define H32 H30 H2
#define H62 H30 H32
#define H64 H32 H32
#define R "[a-z2-7]"
#define R4 R R R R
#define R12 R4 R4 R4

/* Ordered so that most names are found early. */
static const struct store_names_row {
	const char *pattern; /* fnmatch(3) */
	enum store_name what;
	bool is_first;	  /* made with the store: there before anything else */
	off_t size_bytes; /* 0: any */
} names[] = {
	{"records/" H2 "/" H62 ".json", STORE_NAME_FILE, false, 0},
	{"records/" H2 "/" H30 ".json", STORE_NAME_FILE, false,
	 0}, /* from an older store */
	{"records/" H2, STORE_NAME_FOLDER, false, 0},
	{"records", STORE_NAME_FOLDER, true, 0},
	{"history/" H2 "/" H62 ".json", STORE_NAME_FILE, false, 0},
	{"history/" H2 "/" H30 ".json", STORE_NAME_FILE, false, 0}, /* the same */
	{"history/" H2, STORE_NAME_FOLDER, false, 0},
	{"history/evicted", STORE_NAME_FILE, false, 0},
	{"history/evicted.old", STORE_NAME_FILE, false, 0},
	{"history", STORE_NAME_FOLDER, false, 0},
	{"layers/" R12, STORE_NAME_TREE, false, 0},
	{"layers/" R12 ".damaged", STORE_NAME_TREE, false, 0},
	{"layers/empty", STORE_NAME_FOLDER, true, 0}, /* an older store's: no use */
	{"layers", STORE_NAME_FOLDER, true, 0},
	{"blobs/sha256/" H2 "/" H62, STORE_NAME_FILE, false, 0},
	{"blobs/sha256/" H2 "/" H62 ".damaged", STORE_NAME_FILE, false, 0},
	{"blobs/sha256/" H2, STORE_NAME_FOLDER, false, 0},
	{"blobs/sha256", STORE_NAME_FOLDER, true, 0},
	{"blobs/partial/" H64, STORE_NAME_FILE, false, 0},
	{"blobs/partial/" R12 ".tmp", STORE_NAME_FILE, false, 0},
	{"blobs/partial", STORE_NAME_FOLDER, true, 0},
	{"blobs", STORE_NAME_FOLDER, true, 0},
	{"logs/*-" H8 ".log", STORE_NAME_FILE, false, 0},
	{"logs", STORE_NAME_FOLDER, true, 0},
	{"failed/" R12, STORE_NAME_TREE, false, 0},
	{"failed", STORE_NAME_FOLDER, true, 0},
	{"leases/" R12, STORE_NAME_FILE, false, 0},
	{"leases/.lock", STORE_NAME_FILE, false, 0},
	{"leases/.collector", STORE_NAME_FILE, false, 0},
	{"leases", STORE_NAME_FOLDER, true, 0},
	{"locks/" H32, STORE_NAME_FILE, false, 0},
	{"locks/" H64, STORE_NAME_FILE, false, 0},
	{"locks", STORE_NAME_FOLDER, true, 0},
	{"tmp/scratch-" R12, STORE_NAME_TREE, false, 0},
	{"tmp/.dagbuild-" R12 ".tmp", STORE_NAME_FILE, false, 0},
	{"tmp", STORE_NAME_FOLDER, true, 0},
	{"stat-memo", STORE_NAME_FILE, false, 0},
	{STORE_OLDER, STORE_NAME_FILE, false, 0},
	{"secret", STORE_NAME_FILE, true, HASH_SECRET_SIZE},
	{"version", STORE_NAME_FILE, false, 0},
	{"CACHEDIR.TAG", STORE_NAME_FILE, true, sizeof(STORE_TAG_TEXT) - 1},
	{".dagbuild-" R12 ".tmp", STORE_NAME_FILE, true, 0},
};

static const struct store_names_row *find(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].pattern[0] == path[0] &&
		    fnmatch(names[i].pattern, path, FNM_PATHNAME | FNM_PERIOD) == 0)
			return &names[i];
	return NULL;
}

enum store_name store_name_of(const char *path)
{
	const struct store_names_row *row = find(path);

	return row ? row->what : STORE_NAME_STRANGE;
}

bool store_name_is_first(const char *path)
{
	const struct store_names_row *row = find(path);

	return row && row->is_first;
}

/* Judge it by its name, its type and its size. */
static struct err *look_at(int store_fd, const char *path, enum store_name *what)
{
	const struct store_names_row *row = find(path);
	struct stat st;

	*what = row ? row->what : STORE_NAME_STRANGE;
	if (!row)
		return NULL;
	if (fstatat(store_fd, path, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return err_sys("'%s'", path);
	if ((*what == STORE_NAME_FILE ? !S_ISREG(st.st_mode) : !S_ISDIR(st.st_mode)) ||
	    (row->size_bytes > 0 && row->size_bytes != st.st_size))
		*what = STORE_NAME_STRANGE;
	return NULL;
}

static struct err *each(int store_fd, const char *folder, store_name_fn fn,
			void *context);

// NOLINTNEXTLINE(misc-no-recursion): three deep at most
static struct err *visit(int store_fd, const char *path, store_name_fn fn, void *context)
{
	enum store_name what;
	struct err *e = look_at(store_fd, path, &what);

	if (e && err_code(e) == ERR_NOTFOUND) {
		err_ignore(e, "somebody removed it meanwhile");
		return NULL;
	}
	TRY(e);
	if (what == STORE_NAME_FOLDER)
		TRY(each(store_fd, path, fn, context));
	return fn(context, path, what);
}

/* `folder` NULL: the store itself. */
// NOLINTNEXTLINE(misc-no-recursion): three deep at most
static struct err *each(int store_fd, const char *folder, store_name_fn fn, void *context)
{
	CLEANUP(dir_closep)
	DIR *dir = dir_open(store_fd, folder ? folder : ".", O_NOFOLLOW);
	const char *name;

	if (!dir)
		return errno == ENOENT ? NULL : err_sys("'%s'", folder ? folder : ".");
	while ((name = dir_next(dir)) != NULL) {
		CLEANUP(freep)
		char *path = folder ? path_join(folder, name) : xstrdup(name);

		TRY(visit(store_fd, path, fn, context));
	}
	return errno ? err_sys("read '%s'", folder ? folder : ".") : NULL;
}

struct err *store_names_each(int store_fd, store_name_fn fn, void *context)
{
	return each(store_fd, NULL, fn, context);
}
