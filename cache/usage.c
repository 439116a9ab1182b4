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
#include "base/fs.h"
#include "base/inode_set.h"
#include "cache/seal.h"
#include "cache/store_private.h"

static const struct {
	const char *name; /* of the kind; and of its folder, but for "other" */
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

/* `*out` stays NULL when it is gone. */
static struct err *open_folder(int dir_fd, const char *name, DIR **out)
{
	*out = dir_open(dir_fd, name, O_NOFOLLOW);
	/* overlayfs's work folders have mode 000 */
	return *out || errno == ENOENT || errno == EACCES ? NULL : err_sys("'%s'", name);
}

/* One walk.  It does not follow what running steps of ours have mounted. */
struct walk {
	struct inode_set inodes;
	dev_t device;
};

static struct err *count(int dir_fd, const char *name, struct walk *w, struct usage *out);

// NOLINTNEXTLINE(misc-no-recursion)
static struct err *count_folder(int dir_fd, const char *name, struct walk *w,
				struct usage *out)
{
	CLEANUP(dir_closep) DIR *dir = NULL;
	const char *entry;

	TRY(open_folder(dir_fd, name, &dir));
	if (!dir)
		return NULL;
	while ((entry = dir_next(dir)) != NULL)
		TRY(count(dirfd(dir), entry, w, out));
	return errno ? err_sys("read '%s'", name) : NULL;
}

// NOLINTNEXTLINE(misc-no-recursion)
static struct err *count(int dir_fd, const char *name, struct walk *w, struct usage *out)
{
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? NULL : err_sys("'%s'", name);
	if (st.st_dev != w->device || (!S_ISDIR(st.st_mode) && st.st_nlink > 1 &&
				       inode_set_meet(&w->inodes, &st, 1) > 0))
		return NULL;
	out->bytes += (uint64_t)st.st_blocks * 512;
	out->files++;
	return S_ISDIR(st.st_mode) ? count_folder(dir_fd, name, w, out) : NULL;
}

struct err *usage_of_tree(int dir_fd, const char *name, struct usage *out)
{
	struct walk w = {.inodes = INODE_SET_INIT};
	struct err *e;
	struct stat st;

	*out = (struct usage){0, 0};
	if (fstat(dir_fd, &st) != 0)
		return err_sys("'%s'", name);
	w.device = st.st_dev;
	e = count(dir_fd, name, &w, out);
	inode_set_release(&w.inodes);
	return e;
}

/* ---- the whole store ---- */

/* The folder of all layers, their insides as the seals tell. */
static struct err *count_sealed(const struct store *s, struct walk *w, struct usage *out)
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

static struct err *measure(const struct store *s, enum usage_how how, struct walk *w,
			   struct usage_report *out)
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
	struct walk w = {.inodes = INODE_SET_INIT};
	struct err *e;

	*out = (struct usage_report){0};
	e = measure(s, how, &w, out);
	inode_set_release(&w.inodes);
	for (size_t i = 0; i < USAGE_KINDS; i++)
		usage_add(&out->total, &out->kinds[i]);
	return err_wrap(e, "cache folder '%s'", s->dir);
}
