/* SPDX-License-Identifier: MIT
 * unpack_link.c - hard links of a layer.
 *
 * A link may come before the file that it names; such links wait for the end, within a
 * limit: an archive with nothing but dangling links is of no use.
 */
#include "engine/unpack/unpack_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/path.h"

enum {
	LATE_MAX = 16 << 20, /* bytes of waiting links */
	LATE_COST = 80,	     /* of each, besides its texts */
};

/* The folder of `path`, for free(); "/" for what lies in the root. */
static char *folder_of(const char *path)
{
	size_t len = (size_t)(path_base(path) - path);

	return xstrndup(path, len > 1 ? len - 1 : len);
}

/* What a hard link points at: an open folder and a name in it, or nothing (fd -1). */
struct link_target {
	struct unpack_place place;
	const char *name; /* in the path that was looked up */
};

static struct err *find_target(struct unpack_writer *w, const char *path,
			       struct link_target *t)
{
	CLEANUP(freep) char *folder = NULL;
	struct stat st;

	t->name = path_base(path);
	folder = folder_of(path);
	TRY(place_open(w, folder, NULL, &t->place));
	if (t->place.fd < 0)
		return NULL;
	if (fstatat(t->place.fd, t->name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno != ENOENT)
			return err_sys("hard link target '%s'", path);
		closep(&t->place.fd);
		t->place.fd = -1;
		return NULL;
	}
	if (S_ISDIR(st.st_mode))
		return err_new(ERR_CORRUPT, "hard link to the folder '%s'", path);
	return NULL;
}

static bool is_same_file(int a_fd, const char *a, int b_fd, const char *b)
{
	struct stat sa, sb;

	return fstatat(a_fd, a, &sa, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstatat(b_fd, b, &sb, AT_SYMLINK_NOFOLLOW) == 0 &&
	       sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

/* Link `name` in the present folder to what is at `target`; if nothing is there, `*found`
 * is false and nothing is done. */
static struct err *make_link(struct unpack_writer *w, const char *name,
			     const char *target, bool *found)
{
	CLEANUP(place_release) struct unpack_place place = {.fd = -1};
	struct link_target t = {.place = {.fd = -1}};
	struct err *e = find_target(w, target, &t);

	place = t.place;
	TRY(e);
	*found = place.fd >= 0;
	if (!*found)
		return NULL;
	if (linkat(place.fd, t.name, w->here.fd, name, 0) == 0)
		return NULL;
	if (errno != EEXIST)
		return err_sys("hard link to '%s'", target);
	if (is_same_file(place.fd, t.name, w->here.fd, name))
		return NULL;
	TRY(fs_remove_tree(w->here.fd, name));
	if (linkat(place.fd, t.name, w->here.fd, name, 0) != 0)
		return err_sys("hard link to '%s'", target);
	return NULL;
}

static struct err *wait_for_target(struct unpack_writer *w, const char *path,
				   char *target)
{
	vec_push(&w->late_links, ((struct late_link){xstrdup(path), target}));
	w->late_bytes += strlen(path) + strlen(target) + LATE_COST;
	if (w->late_bytes > LATE_MAX)
		return err_new(ERR_CORRUPT,
			       "hard links that come before what they link to take more "
			       "than %d MiB",
			       LATE_MAX >> 20);
	return NULL;
}

struct err *writer_link(struct unpack_writer *w, const char *path, const char *link)
{
	CLEANUP(freep) char *target = path_clean(link);
	bool found;

	if (strcmp(target, path) == 0 || strcmp(target, "/") == 0)
		return err_new(ERR_CORRUPT, "hard link to itself");
	if (strlen(target) >= PATH_MAX)
		return err_new(ERR_CORRUPT, "hard link to a path that is too long");
	TRY(make_link(w, path_base(path), target, &found));
	if (found)
		return NULL;
	if (w->mode == UNPACK_ALONE)
		return writer_want_parents(w, "a hard link to a file of a lower layer");
	return wait_for_target(w, path, STEAL(target));
}

/* The folder existed when the link came; if it is gone, it is made again, and no entry
 * gives it a time. */
static struct err *finish_link(struct unpack_writer *w, const struct late_link *link)
{
	CLEANUP(freep) char *folder = folder_of(link->path);
	CLEANUP(freep) char *made = NULL;
	bool found;

	TRY(place_open(w, folder, &(struct timespec){0}, &w->here));
	TRY(make_link(w, path_base(link->path), link->target, &found));
	if (!found)
		return err_new(ERR_CORRUPT, "hard link to '%s', which does not exist",
			       link->target);
	made = xasprintf("%s/%s", w->here.real, path_base(link->path));
	writer_note_made(w, made);
	return NULL;
}

struct err *writer_finish_links(struct unpack_writer *w)
{
	for (size_t i = 0; i < w->late_links.len; i++)
		TRY(err_wrap(
			writer_blame_archive(finish_link(w, &w->late_links.items[i])),
			"entry '%s'", w->late_links.items[i].path));
	return NULL;
}
