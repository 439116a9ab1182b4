/* SPDX-License-Identifier: MIT
 * root_path.c - see root_path.h.
 */
#include "engine/tree/root_path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/path.h"
#include "base/str.h"

/* As the kernel's own limit: path_resolution(7). */
enum { LINKS_MAX = 40 };

static void drop_last(struct buf *path)
{
	while (path->len > 0 && path->data[path->len - 1] != '/')
		buf_truncate(path, path->len - 1);
	if (path->len > 0)
		buf_truncate(path, path->len - 1);
}

/* A walk along a path: what is resolved, and what is left to do. */
struct resolver {
	int root_fd;
	struct buf done;
	int fd;		 /* O_PATH, on what `done` leads to; -1: not opened */
	bool is_missing; /* nothing is there */
	char *text;	 /* owns what `rest` points into */
	struct str rest;
	unsigned links;
};

static void resolver_release(struct resolver *r)
{
	buf_release(&r->done);
	closep(&r->fd);
	free(r->text);
}

/* `done` has changed. */
static void forget_place(struct resolver *r)
{
	closep(&r->fd);
	r->fd = -1;
	r->is_missing = false;
}

static struct err *open_place(struct resolver *r)
{
	struct err *e;

	if (r->fd >= 0 || r->is_missing)
		return NULL;
	e = path_open(r->root_fd, buf_text(&r->done), O_PATH | O_NOFOLLOW, 0, &r->fd);
	r->is_missing = e && (err_errno(e) == ENOENT || err_errno(e) == ENOTDIR);
	if (!r->is_missing)
		return e;
	err_ignore(e, "missing components are kept");
	return NULL;
}

/* Go to `name` in the present place; for a link, stay and put its text into `*link`. */
static struct err *enter(struct resolver *r, const char *name, char **link)
{
	CLEANUP(closep) int fd = -1;
	char text[PATH_MAX];
	struct stat st;
	ssize_t len;

	TRY(open_place(r));
	if (r->is_missing)
		return NULL;
	fd = openat(r->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	r->is_missing = fd < 0 && (errno == ENOENT || errno == ENOTDIR);
	if (r->is_missing)
		return NULL;
	if (fd < 0 || fstat(fd, &st) != 0)
		return err_sys("'%s'", name);
	if (!S_ISLNK(st.st_mode)) {
		closep(&r->fd);
		r->fd = steal_fd(&fd);
		return NULL;
	}
	len = readlinkat(fd, "", text, sizeof(text));
	if (len < 0)
		return err_sys("'%s'", name);
	*link = xstrndup(text, (size_t)len);
	return NULL;
}

/* The link lies in the present place. */
static struct err *follow_link(struct resolver *r, const char *link)
{
	char *text;

	if (++r->links > LINKS_MAX) {
		errno = ELOOP;
		return err_sys("'%s'", buf_text(&r->done));
	}
	if (link[0] == '/') {
		buf_clear(&r->done);
		forget_place(r);
	}
	text = xasprintf("%s/%.*s", link, STR_ARG(r->rest));
	free(r->text);
	r->text = text;
	r->rest = str_of(text);
	return NULL;
}

static struct err *resolve_part(struct resolver *r, struct str part, bool follow_last)
{
	CLEANUP(freep) char *name = NULL;
	CLEANUP(freep) char *link = NULL;

	if (part.len == 0 || str_is(part, "."))
		return NULL;
	if (str_is(part, "..")) {
		drop_last(&r->done);
		forget_place(r);
		return NULL;
	}
	if (r->done.len + 1 + part.len >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return err_sys("'%.*s'", STR_ARG(part));
	}
	name = str_dup(part);
	if (follow_last || r->rest.len > 0)
		TRY(enter(r, name, &link));
	if (link)
		return follow_link(r, link);
	buf_printf(&r->done, "/%s", name);
	return NULL;
}

struct err *root_resolve(int root_fd, const char *path, bool follow_last, char **out)
{
	CLEANUP(resolver_release)
	struct resolver r = {.root_fd = root_fd, .fd = -1, .text = xstrdup(path)};
	struct str part;

	r.rest = str_of(r.text);
	while (r.rest.len > 0) {
		str_cut(r.rest, '/', &part, &r.rest);
		TRY(err_wrap(resolve_part(&r, part, follow_last), "path '%s'", path));
	}
	if (r.done.len == 0)
		buf_putc(&r.done, '/');
	*out = buf_steal(&r.done);
	return NULL;
}

static struct err *set_mtime(int fd, struct timespec mtime)
{
	if (futimens(fd, (struct timespec[]){mtime, mtime}) != 0)
		return err_sys("set times");
	return NULL;
}

/* Make folder `name` of `dir_fd`, when something else may be in the way. */
static struct err *make_folder(int dir_fd, const char *name, const struct root_make *how)
{
	struct stat before;

	if (fstat(dir_fd, &before) != 0)
		return err_sys("'%s'", name);
	if (how->replace)
		TRY(fs_remove_tree(dir_fd, name));
	if (mkdirat(dir_fd, name, 0755) != 0)
		return err_sys("'%s'", name);
	return how->mtime ? set_mtime(dir_fd, before.st_mtim) : NULL;
}

/* Open folder `name` of `*dir_fd`, after making it if it is missing, and put it into
 * `*dir_fd`.
 */
static struct err *enter_folder(int *dir_fd, const char *name,
				const struct root_make *how, bool *made)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
	int next = -1, number;
	struct err *e = fs_open(*dir_fd, name, flags, 0, &next);

	number = e ? err_errno(e) : 0;
	*made = number == ENOENT ||
		(how->replace && (number == ENOTDIR || number == ELOOP));
	if (*made) {
		err_ignore(e, "made now");
		TRY(make_folder(*dir_fd, name, how));
		e = fs_open(*dir_fd, name, flags, 0, &next);
	}
	TRY(e);
	close(*dir_fd);
	*dir_fd = next;
	if (!*made)
		return NULL;
	/* The umask of this process, and a set-group-id parent, must not show. */
	if (fchown(next, 0, 0) != 0 || fchmod(next, 0755) != 0)
		return err_sys("'%s'", name);
	return how->mtime ? set_mtime(next, *how->mtime) : NULL;
}

struct err *root_make_folders(int root_fd, const char *path, const struct root_make *how)
{
	CLEANUP(closep) int dir = -1;
	CLEANUP(buf_release) struct buf sofar = BUF_INIT;
	struct str rest = str_of(path), part;

	TRY(path_open(root_fd, "/", O_RDONLY | O_DIRECTORY, 0, &dir));
	while (rest.len > 0) {
		CLEANUP(freep) char *name = NULL;
		bool made;

		str_cut(rest, '/', &part, &rest);
		if (part.len == 0)
			continue;
		name = str_dup(part);
		buf_printf(&sofar, "/%s", name);
		TRY(err_wrap(enter_folder(&dir, name, how, &made), "folder '%s'",
			     buf_text(&sofar)));
		if (made && how->made)
			how->made(how->context, buf_text(&sofar));
	}
	return NULL;
}
