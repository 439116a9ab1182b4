/* SPDX-License-Identifier: MIT
 * tmp_drop.c - see tmp_drop.h.
 *
 * Names are removed by moving them into a trash folder: one rename for a whole tree.  The
 * trash is flat: a folder found in one of its folders moves up next to it, so that no
 * depth needs more than two descriptors, or a path longer than a number.
 *
 * Only folders that also exist below are entered; by paths, since the kernel limits these
 * and nothing limits how deep a stranger's folders are.  What is deeper stays.
 */
#include "engine/tree/tmp_drop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/dir.h"
#include "base/fs.h"
#include "base/path.h"
#include "base/str.h"
#include "base/vec.h"

static const mode_t MODE = 01777;

struct dropper {
	struct tmp_drop *d;
	unsigned n_trees;    /* in the trash, by number */
	VEC(char *) folders; /* still to enter, relative to `top` */
};

static struct err *check_cancel(const struct dropper *w)
{
	return w->d->cancel ? cancel_check(w->d->cancel) : NULL;
}

static bool tells_of_none(int number)
{
	return number == ENOENT || number == ENOTDIR || number == ELOOP;
}

/* A folder, never behind a link; `*out` stays -1 if there is none, or something else.
 * Other errors must not count as that: files of the base would be dropped. */
static struct err *open_folder(int dir_fd, const char *path, int *out)
{
	*out = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return *out >= 0 || tells_of_none(errno) ? NULL : err_sys("'%s'", path);
}

static bool is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == 0;
}

/* ---- taking away ---- */

static struct err *take(struct dropper *w, int dir_fd, const char *name,
			const struct stat *st)
{
	char number[16];

	if (S_ISDIR(st->st_mode)) {
		snprintf(number, sizeof(number), "%u", w->n_trees);
		if (renameat(dir_fd, name, w->d->trash_fd, number) != 0)
			return err_sys("take '%s' out of the image", name);
		w->n_trees++;
		return NULL;
	}
	if (S_ISREG(st->st_mode) && st->st_nlink == 1)
		w->d->bytes += (uint64_t)st->st_blocks * 512;
	return unlinkat(dir_fd, name, 0) == 0 ? NULL : err_sys("remove '%s'", name);
}

static struct err *empty_folder(struct dropper *w, int fd)
{
	CLEANUP(dir_closep) DIR *dir = dir_open_fd(fd);
	const char *name;
	struct stat st;

	if (!dir)
		return err_sys("remove");
	while ((name = dir_next(dir)) != NULL) {
		TRY(check_cancel(w));
		if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			return err_sys("remove '%s'", name);
		TRY(take(w, fd, name, &st));
	}
	return errno ? err_sys("remove") : NULL;
}

static struct err *empty_trash(struct dropper *w)
{
	char number[16];

	for (unsigned i = 0; i < w->n_trees; i++) {
		CLEANUP(closep) int fd = -1;

		snprintf(number, sizeof(number), "%u", i);
		/* The script may have removed its permissions, and not every user who
		 * builds is root. */
		if (fchmodat(w->d->trash_fd, number, 0700, 0) != 0)
			return err_sys("open '%s' for removal", number);
		TRY(fs_open(w->d->trash_fd, number, O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
			    0, &fd));
		TRY(empty_folder(w, fd));
		if (unlinkat(w->d->trash_fd, number, AT_REMOVEDIR) != 0)
			return err_sys("remove '%s'", number);
	}
	return NULL;
}

/* ---- finding ---- */

static struct err *look_at(struct dropper *w, int upper_fd, int below_fd,
			   const char *path, const char *name)
{
	struct stat st, below;
	bool is_new = below_fd == -1;

	TRY(check_cancel(w));
	if (fstatat(upper_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return err_sys("'%s/%s'", path, name);
	if (is_whiteout(&st))
		return NULL;
	if (!is_new && fstatat(below_fd, name, &below, AT_SYMLINK_NOFOLLOW) != 0) {
		is_new = errno == ENOENT;
		if (!is_new)
			return err_sys("'%s/%s' below", path, name);
	}
	if (is_new) {
		w->d->n_names++;
		return take(w, upper_fd, name, &st);
	}
	if (S_ISDIR(st.st_mode))
		vec_push(&w->folders, path_join(path, name));
	return NULL;
}

static struct err *look_into(struct dropper *w, int upper_top, int below_top,
			     const char *path)
{
	CLEANUP(closep) int upper = -1, below = -1;
	CLEANUP(dir_closep) DIR *dir = NULL;
	const char *name;
	struct err *e = open_folder(upper_top, path, &upper);

	if (e && err_errno(e) == ENAMETOOLONG) {
		err_ignore(e, "what is deeper stays");
		return NULL;
	}
	TRY(e);
	if (below_top != -1)
		TRY(open_folder(below_top, path, &below));
	dir = dir_open_fd(upper);
	if (!dir)
		return err_sys("'%s'", path);
	while ((name = dir_next(dir)) != NULL)
		TRY(look_at(w, upper, below, path, name));
	return errno ? err_sys("'%s'", path) : NULL;
}

static struct err *drop_below(struct dropper *w, int upper_top, int below_top)
{
	vec_push(&w->folders, xstrdup("."));
	while (w->folders.len > 0) {
		CLEANUP(freep) char *path = w->folders.items[--w->folders.len];

		TRY(look_into(w, upper_top, below_top, path));
	}
	return NULL;
}

/* ---- the two folders ---- */

static char *path_of(int fd)
{
	char link[64], path[4096];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path));
	return n > 0 && (size_t)n < sizeof(path) ? xstrndup(path, (size_t)n) : NULL;
}

/* Folder `path` of the root filesystem below; `*fd` stays -1 if there is none. */
static struct err *open_below(const struct tmp_drop *d, const char *path, int flags,
			      int *fd)
{
	struct err *e = path_open(d->below_fd, path, flags | O_DIRECTORY, 0, fd);

	if (!e || !tells_of_none(err_errno(e)))
		return e;
	err_ignore(e, "the section may have made it");
	return NULL;
}

/* Where the folder `path`, which may be a link, lies in the root filesystem below; `path`
 * if there is no such folder; NULL if it leads to a folder of another name, which may be
 * anything. */
static struct err *real_path(const struct tmp_drop *d, const char *path, char **out)
{
	CLEANUP(closep) int fd = -1;
	CLEANUP(freep) char *root = NULL;
	CLEANUP(freep) char *real = NULL;
	size_t n;

	TRY(open_below(d, path, O_PATH, &fd));
	*out = fd == -1 ? xstrdup(path) : NULL;
	if (fd == -1)
		return NULL;
	root = path_of(d->below_fd);
	real = path_of(fd);
	n = root ? strlen(root) : 0;
	if (root && real && strncmp(real, root, n) == 0 && real[n] == '/' &&
	    strcmp(path_base(real), "tmp") == 0)
		*out = xstrdup(real + n);
	return NULL;
}

/* Folder `path` of the upper, not behind a link; `*out` stays -1 if it has none. */
static struct err *open_upper(const struct tmp_drop *d, struct str path, int *out)
{
	CLEANUP(closep) int fd = -1;
	struct str name;

	TRY(fs_open(d->upper_fd, ".", O_RDONLY | O_DIRECTORY, 0, &fd));
	while (fd != -1 && path.len > 0) {
		CLEANUP(freep) char *text = NULL;
		int next;

		str_cut(path, '/', &name, &path);
		if (name.len == 0)
			continue;
		text = str_dup(name);
		TRY(open_folder(fd, text, &next));
		closep(&fd);
		fd = next;
	}
	*out = steal_fd(&fd);
	return NULL;
}

static bool is_opaque(int fd)
{
	char value = 0;

	return fgetxattr(fd, "user.overlay.opaque", &value, 1) == 1 && value == 'y';
}

/* Folder `name` of `parent` was removed, and is made again, empty. */
static struct err *make_again(int parent, const char *name, bool is_marked)
{
	CLEANUP(closep) int fd = -1;

	if (is_marked && unlinkat(parent, name, 0) != 0)
		return err_sys("remove the mark of '%s'", name);
	if (mkdirat(parent, name, 0755) != 0)
		return err_sys("make '%s'", name);
	TRY(fs_open(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &fd));
	/* What was removed below does not come back. */
	if (is_marked && fsetxattr(fd, "user.overlay.opaque", "y", 1, 0) != 0)
		return err_sys("mark '%s' opaque", name);
	return fchmod(fd, MODE) == 0 ? NULL : err_sys("mode of '%s'", name);
}

/* Make `path`, such as "/var/tmp", a folder of mode 1777. */
static struct err *mend_folder(const struct tmp_drop *d, const char *path)
{
	const char *name = path_base(path);
	CLEANUP(closep) int parent = -1;
	struct stat st;

	TRY(open_upper(d, str_make(path, (size_t)(name - path)), &parent));
	if (parent == -1)
		return NULL;
	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return is_opaque(parent) ? make_again(parent, name, false) : NULL;
	if (is_whiteout(&st))
		return make_again(parent, name, true);
	if (!S_ISDIR(st.st_mode) || (st.st_mode & 07777) == MODE)
		return NULL;
	return fchmodat(parent, name, MODE, 0) == 0 ? NULL
						    : err_sys("mode of '%s'", path);
}

static struct err *drop_from(struct dropper *w, const char *path)
{
	CLEANUP(freep) char *real = NULL;
	CLEANUP(closep) int upper = -1, below = -1;

	TRY(real_path(w->d, path, &real));
	if (!real)
		return NULL;
	TRY(open_upper(w->d, str_of(real), &upper));
	if (upper != -1 && !w->d->keep) {
		TRY(open_below(w->d, real, O_RDONLY | O_NOFOLLOW, &below));
		TRY(drop_below(w, upper, below));
	}
	return mend_folder(w->d, real);
}

struct err *tmp_drop(struct tmp_drop *d)
{
	static const char *const paths[] = {"/tmp", "/var/tmp"};
	struct dropper w = {.d = d};
	struct err *e = NULL;

	for (size_t i = 0; i < ARRAY_LEN(paths) && !e; i++)
		e = drop_from(&w, paths[i]);
	if (!e)
		e = empty_trash(&w);
	for (size_t i = 0; i < w.folders.len; i++)
		free(w.folders.items[i]);
	vec_free(&w.folders);
	return e;
}
