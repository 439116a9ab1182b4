/* SPDX-License-Identifier: MIT
 * unpack_place.c - the folder that an entry lies in.
 *
 * What is made or removed in a folder changes its times, and the work of unpacking must
 * not show in them.  So a place knows the time that its folder had, and restores it when
 * the writer goes on to another: nothing has to be remembered of earlier folders.
 */
#include "engine/unpack/unpack_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/path.h"
#include "engine/tree/root_path.h"

void place_release(struct unpack_place *p)
{
	closep(&p->fd);
	free(p->path);
	free(p->real);
	*p = (struct unpack_place){.fd = -1};
}

struct err *writer_keep_time(int folder_fd, struct timespec mtime)
{
	struct stat st;

	if (fstat(folder_fd, &st) != 0)
		return err_sys("stat");
	/* Setting it would copy up a folder that was only looked into. */
	if (st.st_mtim.tv_sec == mtime.tv_sec && st.st_mtim.tv_nsec == mtime.tv_nsec)
		return NULL;
	if (futimens(folder_fd, (struct timespec[]){mtime, mtime}) != 0)
		return err_sys("set times");
	return NULL;
}

struct err *place_leave(struct unpack_place *p)
{
	struct err *e = p->fd >= 0 ? writer_keep_time(p->fd, p->mtime) : NULL;

	place_release(p);
	return e;
}

static void implied_made(void *context, const char *path)
{
	writer_note_made(context, path);
}

/* Make the folders that an entry implies; their times are the entry's, so that nothing in
 * the result depends on the clock. */
static struct err *make_implied(struct unpack_writer *w, const char *folder,
				struct timespec mtime)
{
	CLEANUP(freep) char *path = NULL;
	struct root_make how = {
		.replace = true, .mtime = &mtime, .made = implied_made, .context = w};

	TRY(root_resolve(w->root_fd, folder, true, &path));
	return root_make_folders(w->root_fd, path, &how);
}

static bool is_missing(const struct err *e)
{
	return e && (err_errno(e) == ENOENT || err_errno(e) == ENOTDIR);
}

/* Open `folder`; `*is_straight`: no link is on the way. */
static struct err *open_existing(const struct unpack_writer *w, const char *folder,
				 int *fd, bool *is_straight)
{
	const int flags = O_RDONLY | O_DIRECTORY;
	struct err *e = path_open_straight(w->root_fd, folder, flags, fd);

	*is_straight = !e;
	if (!e || err_errno(e) != ELOOP)
		return e;
	err_ignore(e, "there is a link on the way");
	return path_open(w->root_fd, folder, flags, 0, fd);
}

/* The folder's path without links; only marks need it, and they have a meaning only in
 * MERGED mode. */
static struct err *real_path(const struct unpack_writer *w, const char *folder,
			     bool is_straight, char **out)
{
	CLEANUP(freep) char *path = NULL;

	if (is_straight || w->mode != UNPACK_MERGED)
		path = xstrdup(folder);
	else
		TRY(root_resolve(w->root_fd, folder, true, &path));
	*out = xstrdup(strcmp(path, "/") == 0 ? "" : path);
	return NULL;
}

struct err *place_open(struct unpack_writer *w, const char *folder,
		       const struct timespec *maker, struct unpack_place *p)
{
	struct stat st;
	bool is_straight;
	struct err *e;

	TRY(place_leave(p));
	e = open_existing(w, folder, &p->fd, &is_straight);
	if (is_missing(e)) {
		err_ignore(e, "a missing folder");
		if (w->mode == UNPACK_ALONE)
			return writer_want_parents(w, "a folder is not in its archive");
		if (!maker)
			return NULL;
		TRY(make_implied(w, folder, *maker));
		e = open_existing(w, folder, &p->fd, &is_straight);
	}
	TRY(e);
	if (w->mode == UNPACK_ALONE && !is_straight)
		return writer_want_parents(w, "a link is on an entry's path");
	if (fstat(p->fd, &st) != 0)
		return err_sys("'%s'", folder);
	p->mtime = st.st_mtim;
	p->path = xstrdup(folder);
	return real_path(w, folder, is_straight, &p->real);
}
