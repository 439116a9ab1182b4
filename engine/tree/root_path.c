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

/* The text of the link at `path`; `*out` stays NULL for anything else, and for nothing.
 */
static struct err *read_link(int root_fd, const char *path, char **out)
{
	CLEANUP(closep) int fd = -1;
	char text[PATH_MAX];
	struct stat st;
	ssize_t len;
	struct err *e = path_open(root_fd, path, O_PATH | O_NOFOLLOW, 0, &fd);

	if (e && (err_errno(e) == ENOENT || err_errno(e) == ENOTDIR)) {
		err_ignore(e, "missing components are kept");
		return NULL;
	}
	TRY(e);
	if (fstat(fd, &st) != 0)
		return err_sys("'%s'", path);
	if (!S_ISLNK(st.st_mode))
		return NULL;
	len = readlinkat(fd, "", text, sizeof(text));
	if (len < 0)
		return err_sys("'%s'", path);
	*out = xstrndup(text, (size_t)len);
	return NULL;
}

/* A walk along a path: what is resolved, and what is left to do. */
struct resolver {
	struct buf done;
	char *text; /* owns what `rest` points into */
	struct str rest;
	unsigned links;
};

static void resolver_release(struct resolver *r)
{
	buf_release(&r->done);
	free(r->text);
}

static struct err *follow_link(struct resolver *r, const char *link)
{
	char *text;

	if (++r->links > LINKS_MAX) {
		errno = ELOOP;
		return err_sys("'%s'", buf_text(&r->done));
	}
	if (link[0] == '/')
		buf_clear(&r->done);
	else
		drop_last(&r->done);
	text = xasprintf("%s/%.*s", link, STR_ARG(r->rest));
	free(r->text);
	r->text = text;
	r->rest = str_of(text);
	return NULL;
}

static struct err *resolve_part(struct resolver *r, int root_fd, struct str part,
				bool follow_last)
{
	CLEANUP(freep) char *link = NULL;

	if (part.len == 0 || str_is(part, "."))
		return NULL;
	if (str_is(part, "..")) {
		drop_last(&r->done);
		return NULL;
	}
	buf_printf(&r->done, "/%.*s", STR_ARG(part));
	if (r->done.len >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return err_sys("'%.*s'", STR_ARG(part));
	}
	if (follow_last || r->rest.len > 0)
		TRY(read_link(root_fd, buf_text(&r->done), &link));
	return link ? follow_link(r, link) : NULL;
}

struct err *root_resolve(int root_fd, const char *path, bool follow_last, char **out)
{
	CLEANUP(resolver_release) struct resolver r = {.text = xstrdup(path)};
	struct str part;

	r.rest = str_of(r.text);
	while (r.rest.len > 0) {
		str_cut(r.rest, '/', &part, &r.rest);
		TRY(err_wrap(resolve_part(&r, root_fd, part, follow_last), "path '%s'",
			     path));
	}
	if (r.done.len == 0)
		buf_putc(&r.done, '/');
	*out = buf_steal(&r.done);
	return NULL;
}

/* Open, after making it if need be, folder `name` of `*dir_fd`, and put it in its place.
 */
static struct err *enter_folder(int *dir_fd, const char *name, bool replace, bool *made)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
	int next = -1;
	struct err *e;

	*made = false;
	e = fs_open(*dir_fd, name, flags, 0, &next);
	if (e && replace && (err_errno(e) == ENOTDIR || err_errno(e) == ELOOP)) {
		err_ignore(e, "a non-folder in the way is replaced");
		TRY(fs_remove_tree(*dir_fd, name));
		errno = ENOENT;
		e = err_sys("'%s'", name);
	}
	if (e && err_errno(e) == ENOENT) {
		err_ignore(e, "made now");
		if (mkdirat(*dir_fd, name, 0755) != 0)
			return err_sys("'%s'", name);
		*made = true;
		e = fs_open(*dir_fd, name, flags, 0, &next);
	}
	TRY(e);
	close(*dir_fd);
	*dir_fd = next;
	/* The umask of this process, and a set-group-id parent, must not show. */
	if (*made && (fchown(next, 0, 0) != 0 || fchmod(next, 0755) != 0))
		return err_sys("'%s'", name);
	return NULL;
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
		TRY(err_wrap(enter_folder(&dir, name, how->replace, &made), "folder '%s'",
			     buf_text(&sofar)));
		if (made && how->made)
			how->made(how->context, buf_text(&sofar));
	}
	return NULL;
}
