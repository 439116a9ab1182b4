/* SPDX-License-Identifier: MIT
 * store_make.c - see store_make.h.
 *
 * `version` is the first thing in a store, and the last to go: where it is, the rest is
 * ours.  A folder without it becomes a store only if it holds nothing except what is made
 * with a store: then a process was killed while it made one.
 *
 * Every process that has the store open for writing shares a lock on the folder itself;
 * the process that clears the store has that lock alone.  So nobody makes a part of the
 * store, or writes into it, while it goes.
 *
 * `version` is raised in place.  From then on no older release opens the store; a process
 * of an older release that has it open goes on, since what it uses stays where it is
 * (older.h).  The file `older` is written before `version` is raised: if we are killed
 * between the two, the next process raises it again.
 */
#include "cache/store_make.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"
#include "base/visible.h"
#include "cache/store_names.h"
#include "cache/store_private.h"

static const char VERSION[] = "version";
static const char VERSION_PREFIX[] = "dagbuild store ";

static const char *const FOLDERS[] = {
	"blobs", "blobs/sha256", "blobs/partial", "layers", "records",
	"logs",	 "tmp",		 "failed",	  "leases", "locks",
};

/* ---- whose is it? ---- */

static struct err *use_another(struct err *e, const char *dir)
{
	return err_hint(e, "name a folder for the cache alone, such as '%s/dagbuild'",
			strcmp(dir, "/") == 0 ? "" : dir);
}

enum { VERSION_SIZE = 40 };

static const char *version_text(unsigned format, char *out)
{
	snprintf(out, VERSION_SIZE, "%s%u\n", VERSION_PREFIX, format);
	return out;
}

/* 0 for a text that no release up to now has written. */
static unsigned format_of(const char *text)
{
	char known[VERSION_SIZE];
	unsigned format = STORE_FORMAT;

	while (format > 0 && strcmp(text, version_text(format, known)) != 0)
		format--;
	return format;
}

/* `*format` 0: the folder has none. */
static struct err *read_format(int fd, unsigned *format)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct err *e = fs_read_regular(fd, VERSION, 256, &text);

	*format = 0;
	if (e && (err_code(e) == ERR_NOTFOUND || err_code(e) == ERR_USAGE ||
		  err_code(e) == ERR_CORRUPT)) {
		err_ignore(e, "no store, then");
		return NULL;
	}
	TRY(e);
	*format = format_of(buf_text(&text));
	if (*format > 0 || !str_starts_with(str_of(buf_text(&text)), VERSION_PREFIX))
		return NULL;
	return err_hint(err_new(ERR_UNSUPPORTED,
				"the cache was made by another version of dagbuild"),
			"remove it, or name another folder with DAGBUILD_CACHEDIR");
}

static struct err *refuse_strange(void *context, const char *path, enum store_name what)
{
	CLEANUP(buf_release) struct buf shown = BUF_INIT;
	const char *dir = context;
	char version[VERSION_SIZE];

	if (what != STORE_NAME_STRANGE && store_name_is_first(path))
		return NULL;
	visible_line(&shown, str_of(path));
	/* A cleaner may have removed `version`: only the user knows. */
	if (what != STORE_NAME_STRANGE)
		return err_hint(
			err_new(ERR_USAGE,
				"the folder holds '%s', like a cache, but no '%s'",
				buf_text(&shown), VERSION),
			"if it is one: echo %.*s >'%s/%s'; else name a folder "
			"for the cache alone",
			(int)strlen(version_text(STORE_FORMAT, version)) - 1, version,
			dir, VERSION);
	return use_another(err_new(ERR_USAGE,
				   "the folder holds '%s', which is not dagbuild's",
				   buf_text(&shown)),
			   dir);
}

static bool is_folder(const struct stat *st, const char *path)
{
	struct stat other;

	return path && stat(path, &other) == 0 && other.st_dev == st->st_dev &&
	       other.st_ino == st->st_ino;
}

/* If others may write here, they could put a layer of theirs in place of ours. */
static struct err *close_to_others(int fd, const struct stat *st)
{
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) == 0)
		return NULL;
	return fchmod(fd, st->st_mode & 07755) == 0 ? NULL : err_sys("its mode");
}

/* May the folder become a store?  Another process may make it one while we look. */
static struct err *check_new(int fd, const char *dir, const struct stat *st)
{
	unsigned format = 0;
	struct err *e, *found_error;

	if (is_folder(st, "/") || is_folder(st, getenv("HOME")))
		return use_another(err_new(ERR_USAGE, "the folder cannot be a cache"),
				   dir);
	e = store_names_each(fd, refuse_strange, (void *)dir);
	if (!e)
		return NULL;
	found_error = read_format(fd, &format);
	if (found_error || format == 0)
		return err_attach(e, found_error);
	err_ignore(e, "another process made the store");
	return NULL;
}

static struct err *check_folder(int fd, const char *dir, unsigned *format)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_sys("stat");
	if (st.st_uid != geteuid())
		return err_hint(err_new(ERR_UNSUPPORTED,
					"the folder belongs to another user (uid %u)",
					st.st_uid),
				"name a folder of your own with DAGBUILD_CACHEDIR");
	TRY(read_format(fd, format));
	if (*format == 0)
		TRY(check_new(fd, dir, &st));
	return close_to_others(fd, &st);
}

/* ---- making ---- */

/* Several processes may make the store at the same time: each writes its own secret under
 * a temporary name, link(2) lets the first one win, and all read the winner's. */
static struct err *make_secret(int fd)
{
	CLEANUP(tmpfile_release) struct tmpfile tmp = TMPFILE_INIT;
	struct hash_secret secret;
	struct err *e;

	if (faccessat(fd, "secret", R_OK, 0) == 0)
		return NULL;
	if (getrandom(secret.bytes, sizeof(secret.bytes), 0) !=
	    (ssize_t)sizeof(secret.bytes))
		return err_sys("getrandom");
	TRY(tmpfile_open(&tmp, fd, 0600));
	TRY(fs_write_all(tmp.fd, secret.bytes, sizeof(secret.bytes)));
	if (fdatasync(tmp.fd) != 0)
		return err_sys("sync");
	e = tmpfile_publish_new(&tmp, fd, "secret");
	if (e && err_code(e) == ERR_EXISTS) {
		err_ignore(e, "another process made the store at the same time");
		return NULL;
	}
	return e;
}

static struct err *make_text(int fd, const char *name, const char *text, mode_t mode)
{
	if (faccessat(fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return NULL;
	return fs_write_atomic(fd, name, text, strlen(text), mode);
}

/* Raise a store of `format`. */
static struct err *raise_format(int fd, unsigned format)
{
	char text[VERSION_SIZE];

	version_text(format, text);
	TRY(fs_write_atomic(fd, STORE_OLDER, text, strlen(text), 0600));
	version_text(STORE_FORMAT, text);
	return fs_write_atomic(fd, VERSION, text, strlen(text), 0600);
}

static struct err *make_parts(int fd)
{
	char version[VERSION_SIZE];

	/* A process that was killed while it wrote one of these may have left a temporary
	 * file. */
	tmpfile_remove_dead(fd);
	TRY(make_text(fd, VERSION, version_text(STORE_FORMAT, version), 0600));
	TRY(make_text(fd, "CACHEDIR.TAG", STORE_TAG_TEXT, 0644));
	for (size_t i = 0; i < ARRAY_LEN(FOLDERS); i++)
		if (mkdirat(fd, FOLDERS[i], 0700) != 0 && errno != EEXIST)
			return err_sys("make '%s'", FOLDERS[i]);
	return make_secret(fd);
}

/* Whatever is wrong with this folder, another one will do. */
static struct err *name_another(struct err *e)
{
	if (!e || err_code(e) == ERR_NOSPACE)
		return e;
	return err_hint(err_recode(e, ERR_USAGE),
			"name another folder with DAGBUILD_CACHEDIR or --cache-dir");
}

/* Does `path` lead to the folder that `fd` is open on? */
static bool leads_to(const char *path, int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && is_folder(&st, path);
}

/* Let a process that clears the store come to its end: longer with each try, two seconds
 * in all. */
static void pause_before(int tries)
{
	struct timespec pause = {.tv_nsec = (long)tries * 1000000};

	if (tries > 4)
		nanosleep(&pause, NULL);
}

/* Open the folder with a share in its lock.  Another process may clear the store, and
 * remove the folder, until we have that share; so look again then. */
static struct err *open_shared(const char *dir, int *fd)
{
	enum { TRIES = 64 };

	for (int tries = 1; tries <= TRIES; tries++) {
		CLEANUP(closep) int own = -1;
		struct err *e;

		pause_before(tries);
		TRY(name_another(fs_mkdirs(AT_FDCWD, dir, 0700)));
		e = fs_open(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0, &own);
		if (e && (err_code(e) != ERR_NOTFOUND || tries == TRIES))
			return name_another(e);
		if (e) {
			err_ignore(e, "another process removed it");
			continue;
		}
		TRY(store_lock_fd(own, LOCK_SH, dir));
		if (leads_to(dir, own)) {
			*fd = steal_fd(&own);
			return NULL;
		}
	}
	return err_hint(err_new(ERR_SYS, "another process keeps removing the folder"),
			"the cache is being cleared: run the command again");
}

struct err *store_make(const char *dir, int *fd)
{
	CLEANUP(closep) int own = -1;
	unsigned format = 0;

	TRY(open_shared(dir, &own));
	TRY(check_folder(own, dir, &format));
	if (format > 0 && format < STORE_FORMAT)
		TRY(raise_format(own, format));
	TRY(make_parts(own));
	*fd = steal_fd(&own);
	return NULL;
}

struct err *store_find(const char *dir, int *fd)
{
	CLEANUP(closep) int own = -1;
	unsigned format = 0;
	struct err *e = fs_open(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0, &own);

	if (e && err_code(e) != ERR_NOTFOUND)
		return name_another(e);
	TRY(e);
	TRY(read_format(own, &format));
	if (format == 0)
		return err_new(ERR_NOTFOUND, "not a dagbuild cache");
	*fd = steal_fd(&own);
	return NULL;
}

bool store_is_current(int fd)
{
	unsigned format = 0;
	struct err *e = read_format(fd, &format);

	err_ignore(e, "no other release's, then");
	return e || format == STORE_FORMAT;
}

/* ---- clearing ---- */

static struct err *count_strange(void *context, const char *path, enum store_name what)
{
	struct store_rest *rest = context;
	struct usage usage;

	if (what != STORE_NAME_STRANGE)
		return NULL;
	if (rest->strange++ == 0)
		rest->example = xstrdup(path);
	TRY(usage_of_tree(rest->fd, path, &usage));
	usage_add(&rest->usage, &usage);
	return NULL;
}

struct err *store_rest(const struct store *s, struct store_rest *out)
{
	struct err *e;

	*out = (struct store_rest){.fd = store_fd(s)};
	e = store_names_each(out->fd, count_strange, out);
	if (e)
		store_rest_release(out);
	return e;
}

void store_rest_release(struct store_rest *rest)
{
	free(rest->example);
	rest->example = NULL;
}

/* The order in which a store goes.  When we are killed in the middle, no record may stand
 * for a layer that is gone, trees need tmp/ (remove_tree()), and what is left must still
 * be a store. */
enum clear_stage {
	CLEAR_RECORDS,
	CLEAR_TREES,
	CLEAR_THE_REST,
	CLEAR_SECRET,
	CLEAR_VERSION,
	CLEAR_STAGES,
};

static enum clear_stage stage_of(const char *path)
{
	if (str_starts_with(str_of(path), "records"))
		return CLEAR_RECORDS;
	if (str_starts_with(str_of(path), "layers") ||
	    str_starts_with(str_of(path), "failed"))
		return CLEAR_TREES;
	if (strcmp(path, "secret") == 0)
		return CLEAR_SECRET;
	return strcmp(path, VERSION) == 0 ? CLEAR_VERSION : CLEAR_THE_REST;
}

struct clearing {
	int fd;
	enum clear_stage stage;
};

/* Half a tree must not stay in its place when we are killed: it would count as damaged.
 * So it is first renamed to a temporary folder, which the next run removes. */
static struct err *remove_tree(int fd, const char *path)
{
	char aside[] = "tmp/scratch-RRRRRRRRRRRR";

	if (!str_starts_with(str_of(path), "tmp/")) {
		fs_random_name(aside + strlen("tmp/scratch-"), 12);
		if (renameat2(fd, path, fd, aside, RENAME_NOREPLACE) == 0)
			path = aside;
		else if (errno != ENOENT)
			return err_sys("remove '%s'", path);
	}
	return fs_remove_tree(fd, path);
}

static struct err *remove_ours(void *context, const char *path, enum store_name what)
{
	const struct clearing *c = context;
	int flags = 0;

	if (what == STORE_NAME_STRANGE || stage_of(path) != c->stage)
		return NULL;
	if (what == STORE_NAME_TREE)
		return remove_tree(c->fd, path);
	if (what == STORE_NAME_FOLDER)
		flags = AT_REMOVEDIR;
	if (unlinkat(c->fd, path, flags) == 0 || errno == ENOENT || errno == ENOTEMPTY)
		return NULL;
	return err_sys("remove '%s'", path);
}

/* Have the folder's lock alone; `*alone` false: another process shares it. */
static struct err *lock_alone(const struct store *s, bool *alone)
{
	*alone = flock(s->fd, LOCK_EX | LOCK_NB) == 0;
	if (*alone)
		return NULL;
	if (errno != EWOULDBLOCK && errno != EINTR)
		return err_sys("lock '%s'", s->dir);
	/* The attempt has cost us our share: flock(2). */
	return store_lock_fd(s->fd, LOCK_SH, s->dir);
}

struct err *store_clear(const struct store *s, bool *cleared)
{
	struct clearing c = {.fd = s->fd};
	bool alone = false;

	*cleared = false;
	TRY(lock_alone(s, &alone));
	/* While we had no share another process may have cleared the store; what has its
	 * name now is a new one. */
	*cleared = !leads_to(s->dir, s->fd);
	if (*cleared || !alone)
		return NULL;
	for (; c.stage < CLEAR_STAGES; c.stage++)
		TRY(store_names_each(c.fd, remove_ours, &c));
	*cleared = true;
	/* It stays if it holds strange things, or if the name is a link to it. */
	if (rmdir(s->dir) != 0 && errno != ENOTEMPTY && errno != ENOTDIR &&
	    errno != EEXIST && errno != EBUSY)
		return err_sys("remove '%s'", s->dir);
	return NULL;
}
