/* SPDX-License-Identifier: MIT
 * usage.c - see usage.h.
 */
#include "cache/usage.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/dir.h"
#include "base/folder_walk.h"
#include "base/inode_set.h"
#include "cache/seal.h"
#include "cache/store_private.h"

static const struct {
	const char *name; /* of the kind and, except "other", of its folder */
} kinds[] = {
	[USAGE_LAYERS] = {"layers"},   [USAGE_BLOBS] = {"blobs"},
	[USAGE_RECORDS] = {"records"}, [USAGE_LOGS] = {"logs"},
	[USAGE_TMP] = {"tmp"},	       [USAGE_FAILED] = {"failed"},
	[USAGE_OTHER] = {"other"},
};
TABLE_HAS_ALL(kinds, USAGE_KINDS);

const char *usage_kind_name(enum usage_kind kind)
{
	assert(kind < USAGE_KINDS);
	return kinds[kind].name;
}

void usage_add(struct usage *to, const struct usage *more)
{
	to->bytes += more->bytes;
	to->files += more->files;
}

void usage_subtract(struct usage *from, const struct usage *part)
{
	from->bytes -= part->bytes < from->bytes ? part->bytes : from->bytes;
	from->files -= part->files < from->files ? part->files : from->files;
}

/* The folder cannot be opened: it is gone, or it is overlayfs's work folder, of mode
 * 000. */
static bool is_passed_over(void)
{
	return errno == ENOENT || errno == EACCES;
}

/* `*out` stays NULL when it is passed over. */
static struct err *open_folder(int dir_fd, const char *name, DIR **out)
{
	*out = dir_open(dir_fd, name, O_NOFOLLOW);
	return *out || is_passed_over() ? NULL : err_sys("'%s'", name);
}

/* One walk.  It does not enter what our running steps have mounted. */
struct usage_walk {
	struct folder_walk folders;
	struct inode_set inodes;
	dev_t device;
};

#define WALK_INIT                                                                        \
	{                                                                                \
		.folders = {.memory_max = SIZE_MAX, .is_unsorted = true},                \
		.inodes = INODE_SET_INIT                                                 \
	}

static void walk_release(struct usage_walk *w)
{
	folder_walk_release(&w->folders);
	inode_set_release(&w->inodes);
}

static struct err *count_one(int dir_fd, const char *name, struct usage_walk *w,
			     struct usage *out)
{
	struct stat st;
	int fd;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? NULL : err_sys("'%s'", name);
	if (st.st_dev != w->device || (!S_ISDIR(st.st_mode) && st.st_nlink > 1 &&
				       inode_set_meet(&w->inodes, &st, 1) > 0))
		return NULL;
	out->bytes += (uint64_t)st.st_blocks * 512;
	out->files++;
	if (!S_ISDIR(st.st_mode))
		return NULL;
	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return is_passed_over() ? NULL : err_sys("'%s'", name);
	return folder_walk_push(&w->folders, fd, name);
}

static struct err *count_next(struct usage_walk *w, struct usage *out)
{
	const char *name;
	struct err *e;

	TRY(folder_walk_next(&w->folders, &name));
	if (name)
		return count_one(folder_walk_fd(&w->folders), name, w, out);
	e = folder_walk_leave(&w->folders);
	if (e) {
		err_ignore(e, "a running step has moved it");
		folder_walk_release(&w->folders);
	}
	return NULL;
}

static struct err *count(int dir_fd, const char *name, struct usage_walk *w,
			 struct usage *out)
{
	struct err *e = count_one(dir_fd, name, w, out);

	while (!e && folder_walk_is_inside(&w->folders))
		e = count_next(w, out);
	return err_wrap(e, "'%s'", name);
}

struct err *usage_of_tree(int dir_fd, const char *name, struct usage *out)
{
	CLEANUP(walk_release) struct usage_walk w = WALK_INIT;
	struct stat st;

	*out = (struct usage){0, 0};
	if (fstat(dir_fd, &st) != 0)
		return err_sys("'%s'", name);
	w.device = st.st_dev;
	return count(dir_fd, name, &w, out);
}

/* ---- the whole store ---- */

/* The folder of all layers, with their contents counted by the seals. */
static struct err *count_sealed(const struct store *s, struct usage_walk *w,
				struct usage *out)
{
	CLEANUP(dir_closep) DIR *dir = NULL;
	const char *name;
	struct seal seal;
	struct stat st;

	TRY(open_folder(s->fd, "layers", &dir));
	if (!dir)
		return NULL;
	if (fstat(dirfd(dir), &st) == 0) {
		out->bytes += (uint64_t)st.st_blocks * 512;
		out->files++;
	}
	while ((name = dir_next(dir)) != NULL) {
		struct err *e = seal_read(dirfd(dir), name, &seal);

		if (!e) {
			usage_add(out, &seal.usage);
			continue;
		}
		err_ignore(e, "then it is looked at");
		TRY(count(dirfd(dir), name, w, out));
	}
	return errno ? err_sys("read 'layers'") : NULL;
}

static enum usage_kind kind_of(const char *name)
{
	enum usage_kind kind = 0;

	while (kind < USAGE_OTHER && strcmp(kinds[kind].name, name) != 0)
		kind++;
	return kind;
}

static struct err *measure(const struct store *s, enum usage_how how,
			   struct usage_walk *w, struct usage_report *out)
{
	CLEANUP(dir_closep) DIR *dir = NULL;
	const char *name;
	struct stat st;

	if (fstat(s->fd, &st) != 0)
		return err_sys("'%s'", s->dir);
	w->device = st.st_dev;
	out->kinds[USAGE_OTHER] = (struct usage){(uint64_t)st.st_blocks * 512, 1};
	TRY(open_folder(s->fd, ".", &dir));
	if (!dir)
		return NULL;
	while ((name = dir_next(dir)) != NULL) {
		enum usage_kind kind = kind_of(name);

		if (kind == USAGE_LAYERS && how == USAGE_QUICK)
			TRY(count_sealed(s, w, &out->kinds[kind]));
		else
			TRY(count(s->fd, name, w, &out->kinds[kind]));
	}
	return errno ? err_sys("read the folder") : NULL;
}

struct err *usage_measure(const struct store *s, enum usage_how how,
			  struct usage_report *out)
{
	CLEANUP(walk_release) struct usage_walk w = WALK_INIT;
	struct err *e;

	*out = (struct usage_report){0};
	e = measure(s, how, &w, out);
	for (size_t i = 0; i < USAGE_KINDS; i++)
		usage_add(&out->total, &out->kinds[i]);
	return err_wrap(e, "cache folder '%s'", s->dir);
}
