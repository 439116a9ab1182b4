/* SPDX-License-Identifier: MIT
 * store.c - see store.h.
 */
#include "cache/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/dir.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/path.h"
#include "base/interrupt.h"
#include "cache/key_lock.h"
#include "cache/store_fs.h"
#include "cache/store_make.h"
#include "cache/store_names.h"
#include "cache/store_private.h"

struct err *store_default_dir(const char *explicit_dir, char **out)
{
	const char *own = getenv("DAGBUILD_CACHEDIR");
	const char *xdg = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");

	if (explicit_dir)
		return fs_absolute(explicit_dir, out);
	if (own && own[0])
		return fs_absolute(own, out);
	/* The XDG base directory specification says to ignore relative values. */
	if (xdg && xdg[0] == '/') {
		*out = path_join(xdg, "dagbuild");
		return NULL;
	}
	if (!home || home[0] != '/')
		return err_hint(
			err_new(ERR_USAGE, "no folder for the cache: HOME is not set"),
			"set DAGBUILD_CACHEDIR");
	*out = path_join(home, ".cache/dagbuild");
	return NULL;
}

static struct err *read_secret(struct store *s)
{
	CLEANUP(buf_release) struct buf data = BUF_INIT;

	TRY(fs_read_file(s->fd, "secret", sizeof(s->secret.bytes), &data));
	if (data.len != sizeof(s->secret.bytes))
		return err_hint(err_new(ERR_CORRUPT, "'secret' has %zu bytes", data.len),
				"remove the cache folder");
	memcpy(s->secret.bytes, data.data, data.len);
	return NULL;
}

/* A folder in tmp/ whose lock is free belongs to no living process. */
static void remove_if_dead(const struct store *s, const char *name)
{
	CLEANUP(freep) char *path = path_join("tmp", name);
	CLEANUP(closep) int fd = -1;

	if (store_name_of(path) != STORE_NAME_TREE)
		return;
	fd = openat(s->fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0)
		return;
	log_debug("cache", "removing '%s', left by a process that ended", path);
	err_ignore(fs_remove_tree(s->fd, path), "the next run tries again");
}

static void remove_dead_scratch(const struct store *s)
{
	CLEANUP(dir_closep) DIR *dir = dir_open(s->fd, "tmp", 0);
	const char *name;

	while (dir && (name = dir_next(dir)) != NULL) {
		if (name[0] != '.')
			remove_if_dead(s, name);
		else
			tmpfile_remove_if_dead(dirfd(dir), name);
	}
}

static struct err *read_boot_id(struct store *s)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct str id;

	TRY(fs_read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 256, &text));
	id = str_trim(str_of(buf_text(&text)));
	snprintf(s->boot_id, sizeof(s->boot_id), "%.*s", STR_ARG(id));
	return NULL;
}

static struct err *open_in(struct store *s, enum store_access access)
{
	if (access == STORE_WRITE)
		TRY(store_make(s->dir, &s->fd));
	else
		TRY(store_find(s->dir, &s->fd));
	TRY(read_secret(s));
	TRY(read_boot_id(s));
	s->can_write = access == STORE_WRITE;
	if (access == STORE_WRITE) {
		remove_dead_scratch(s);
		key_lock_clean(s);
	}
	return NULL;
}

struct err *store_open(const char *dir, enum store_access access, struct store **out)
{
	CLEANUP(store_closep) struct store *s = xcalloc(1, sizeof(*s));

	s->fd = -1;
	s->dir = xstrdup(dir);
	s->layer_root = path_join(dir, "layers");
	pthread_mutex_init(&s->lock, NULL);
	TRY(err_wrap(open_in(s, access), "cache folder '%s'", dir));
	*out = STEAL(s);
	return NULL;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	lease_free(s->lease);
	closep(&s->fd);
	vec_free(&s->unsettled);
	vec_free(&s->spent);
	pthread_mutex_destroy(&s->lock);
	free(s->dir);
	free(s->layer_root);
	free(s);
}

void store_closep(struct store **s)
{
	store_close(*s);
	*s = NULL;
}

struct err *store_hold(struct store *s)
{
	if (s->lease)
		return NULL;
	TRY(store_fs_check(s));
	return lease_new(s, &s->lease);
}

void store_release(struct store *s)
{
	lease_free(s->lease);
	s->lease = NULL;
}

struct lease *store_lease(const struct store *s)
{
	return s->lease;
}

bool store_claim(const struct store *s, enum lease_kind kind, const char *name)
{
	struct err *e = s->lease ? lease_add(s->lease, kind, name) : NULL;

	if (!e)
		return true;
	err_ignore(e, "what cannot be claimed counts as not there");
	return false;
}

/* Layers grow in a scratch folder, so it must not pass on what the folders above it give
 * to all that is made in them: a list of who may use it (acl(5)), which replaces the
 * umask, and with the set-group-id bit a group.  The number of a project quota is passed
 * on: no file shows it, and a rename between projects would fail. */
static struct err *make_plain(int fd, const char *path)
{
	if (fremovexattr(fd, "system.posix_acl_default") != 0 && errno != ENODATA &&
	    errno != EOPNOTSUPP)
		return err_sys("'%s': remove its access list", path);
	return fchmod(fd, 0700) == 0 ? NULL : err_sys("mode of '%s'", path);
}

/* Between mkdir and flock another process may take the folder for a dead process's and
 * remove it; so look again under the lock. */
static struct err *scratch_try(struct scratch *scratch, bool *made)
{
	CLEANUP(freep) char *path = path_join("tmp", scratch->name);
	int store = scratch->store->fd;
	struct stat held, named;

	*made = false;
	if (mkdirat(store, path, 0700) != 0)
		return err_sys("make '%s'", path);
	scratch->fd = openat(store, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (scratch->fd < 0)
		return errno == ENOENT ? NULL : err_sys("open '%s'", path);
	if (flock(scratch->fd, LOCK_EX) != 0)
		return err_sys("lock '%s'", path);
	*made = fstat(scratch->fd, &held) == 0 &&
		fstatat(store, path, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
		held.st_ino == named.st_ino;
	return *made ? make_plain(scratch->fd, path) : NULL;
}

struct err *scratch_new(const struct store *s, struct scratch *out)
{
	bool made = false;
	char random[13];

	out->store = s;
	out->defers = true;
	interrupt_defer();
	for (int tries = 0; tries < 16 && !made; tries++) {
		closep(&out->fd);
		out->fd = -1;
		fs_random_name(random, sizeof(random) - 1);
		snprintf(out->name, sizeof(out->name), "scratch-%s", random);
		TRY(err_wrap(scratch_try(out, &made), "cache folder '%s'", s->dir));
	}
	if (!made)
		return err_new(ERR_SYS,
			       "cache folder '%s': another process keeps removing the "
			       "temporary folder",
			       s->dir);
	out->path = xasprintf("%s/tmp/%s", s->dir, out->name);
	return NULL;
}

void scratch_release(struct scratch *scratch)
{
	CLEANUP(freep) char *path = path_join("tmp", scratch->name);

	if (scratch->fd >= 0)
		err_ignore(fs_remove_tree(scratch->store->fd, path),
			   "the next run removes what is left");
	closep(&scratch->fd);
	scratch->fd = -1;
	free(scratch->path);
	scratch->path = NULL;
	if (scratch->defers)
		interrupt_resume();
	scratch->defers = false;
}
