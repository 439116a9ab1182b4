/* SPDX-License-Identifier: MIT
 * outline.c - see outline.h.
 *
 * The digests of all entries are added up, so that nothing needs sorting: folders give
 * their names in any order.  An entry's digest begins with its folder's, so a name counts
 * where it is.
 *
 * The walk holds one folder open, however deep they lie, and goes up by `..`: the store is
 * ours alone, and what is moved while we look gives another digest.
 */
#include "cache/outline.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/buf.h"
#include "base/dir.h"
#include "base/fs.h"
#include "base/vec.h"

static const char ATTRIBUTE[] = "user.overlay.outline";

struct outline {
	uint64_t version, entries, sum[2]; /* as they are in the attribute: this host's */
};

static const uint64_t VERSION = 1;

/* A folder of which the ones below are still to be looked at. */
struct pending {
	char *name;
	struct digest digest;
};

struct level {
	VEC(struct pending) folders;
};

struct walk {
	const struct hash_secret *secret;
	struct stop stop;
	struct outline outline;
	int fd; /* the folder of the last level */
	VEC(struct level) levels;
	struct buf text; /* of one entry */
};

static void level_release(struct level *l)
{
	for (size_t i = 0; i < l->folders.len; i++)
		free(l->folders.items[i].name);
	vec_free(&l->folders);
}

static void walk_release(struct walk *w)
{
	for (size_t i = 0; i < w->levels.len; i++)
		level_release(&w->levels.items[i]);
	vec_free(&w->levels);
	buf_release(&w->text);
	closep(&w->fd);
}

/* Take the entry in; gives its digest. */
static struct digest add_entry(struct walk *w, const struct digest *folder,
			       const char *name, const struct stat *st)
{
	bool has_size = S_ISREG(st->st_mode) || S_ISLNK(st->st_mode);
	const uint64_t fields[] = {
		st->st_mode,
		st->st_uid,
		st->st_gid,
		st->st_rdev,
		has_size ? (uint64_t)st->st_size : 0,
		(uint64_t)st->st_mtim.tv_sec,
		(uint64_t)st->st_mtim.tv_nsec,
	};
	struct digest digest;
	uint64_t halves[2];

	buf_clear(&w->text);
	buf_append(&w->text, folder->bytes, sizeof(folder->bytes));
	buf_append(&w->text, fields, sizeof(fields));
	buf_append(&w->text, name, strlen(name));
	digest = digest_bytes(DIGEST_XXH3, w->secret, w->text.data, w->text.len);
	memcpy(halves, digest.bytes, sizeof(halves));
	w->outline.sum[0] += halves[0];
	w->outline.sum[1] += halves[1];
	w->outline.entries++;
	return digest;
}

/* Look at what lies in the present folder, whose digest is `folder`. */
static struct err *look(struct walk *w, const struct digest *folder)
{
	CLEANUP(dir_closep) DIR *dir = dir_open_fd(w->fd);
	struct level *level;
	const char *name;

	vec_push(&w->levels, (struct level){0});
	level = &w->levels.items[w->levels.len - 1];
	if (!dir)
		return err_sys("read a folder");
	while ((name = dir_next(dir)) != NULL) {
		struct digest digest;
		struct stat st;

		TRY(stop_ask(&w->stop));
		if (fstatat(w->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			return err_sys("'%s'", name);
		digest = add_entry(w, folder, name, &st);
		if (S_ISDIR(st.st_mode))
			vec_push(&level->folders,
				 ((struct pending){xstrdup(name), digest}));
	}
	return errno ? err_sys("read a folder") : NULL;
}

static struct err *move(struct walk *w, const char *name)
{
	CLEANUP(closep) int fd = -1;

	TRY(fs_open(w->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &fd));
	closep(&w->fd);
	w->fd = steal_fd(&fd);
	return NULL;
}

/* On to the next folder: below the present one, else above. */
static struct err *step(struct walk *w)
{
	struct level *level = &w->levels.items[w->levels.len - 1];
	struct pending next;
	struct err *e;

	if (level->folders.len == 0) {
		level_release(level);
		return --w->levels.len > 0 ? move(w, "..") : NULL;
	}
	next = level->folders.items[--level->folders.len];
	e = move(w, next.name);
	free(next.name);
	TRY(e);
	return look(w, &next.digest);
}

static struct err *take(const struct store *s, const struct stop *stop, int fd,
			struct outline *out)
{
	CLEANUP(walk_release)
	struct walk w = {
		.secret = store_secret(s),
		.stop = *stop,
		.outline = {.version = VERSION},
		.fd = -1,
		.text = BUF_INIT,
	};
	struct digest root = {0};
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_sys("stat");
	root = add_entry(&w, &root, "", &st);
	TRY(fs_open(fd, ".", O_RDONLY | O_DIRECTORY, 0, &w.fd));
	TRY(look(&w, &root));
	while (w.levels.len > 0)
		TRY(step(&w));
	*out = w.outline;
	return NULL;
}

static struct err *open_layer(int dir_fd, const char *name, int *fd)
{
	return fs_open(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, fd);
}

struct err *outline_make(const struct seal_request *request)
{
	CLEANUP(closep) int fd = -1;
	struct outline outline;

	TRY(open_layer(request->dir_fd, request->name, &fd));
	TRY(err_wrap(take(request->store, &request->stop, fd, &outline), "layer '%s'",
		     request->name));
	if (fsetxattr(fd, ATTRIBUTE, &outline, sizeof(outline), 0) != 0)
		return err_sys("outline of layer '%s'", request->name);
	return NULL;
}

struct err *outline_check(const struct store *s, int dir_fd, const char *name)
{
	CLEANUP(closep) int fd = -1;
	const struct stop never = {0};
	struct outline want = {0}, got = {0};
	ssize_t size;

	TRY(open_layer(dir_fd, name, &fd));
	size = fgetxattr(fd, ATTRIBUTE, &want, sizeof(want));
	if (size != (ssize_t)sizeof(want) || want.version != VERSION)
		return err_new(ERR_CORRUPT, "layer '%s' has no outline", name);
	TRY(err_recode(err_wrap(take(s, &never, fd, &got), "layer '%s'", name),
		       ERR_CORRUPT));
	if (memcmp(&want, &got, sizeof(want)) == 0)
		return NULL;
	return err_new(ERR_CORRUPT,
		       "layer '%s' has %llu entries, not the %llu that it had", name,
		       (unsigned long long)got.entries, (unsigned long long)want.entries);
}
