/* SPDX-License-Identifier: MIT
 * root_file.c - see root_file.h.
 */
#include "engine/meta/root_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/path.h"

/* The largest is labels.json: a configuration of 8 MiB may be all labels, and `<` takes
 * six bytes in the file. */
static const size_t READ_MAX = MIB(64);

struct err *root_exists(int root_fd, const char *path, bool *out)
{
	CLEANUP(closep) int dir = -1;
	const char *name;
	struct err *e = path_open_parent(root_fd, path, &dir, &name);
	struct stat st;

	*out = false;
	if (e && err_code(e) == ERR_NOTFOUND) {
		err_ignore(e, "no folder, no file");
		return NULL;
	}
	TRY(e);
	*out = fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	return *out || errno == ENOENT ? NULL : err_sys("'%s' in the image", path);
}

static struct err *create(int dir, const char *name, const char *data, size_t len,
			  mode_t mode)
{
	CLEANUP(closep) int fd = -1;

	TRY(fs_open(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600, &fd));
	TRY(fs_write_all(fd, data, len));
	/* The mode is set after creating, since the process's umask would cut it. */
	return fchmod(fd, mode) == 0 ? NULL : err_sys("mode of '%s'", name);
}

/* An empty folder is what is left of a mount point; one with files belongs to someone. */
static struct err *remove_old(int dir, const char *name, const char *path, bool is_folder)
{
	if (unlinkat(dir, name, is_folder ? AT_REMOVEDIR : 0) == 0)
		return NULL;
	if (!is_folder)
		return err_sys("replace '%s'", path);
	return err_hint(
		err_sys("'%s' of the image is a folder and cannot be replaced", path),
		"every image has a file there: start from an image without that "
		"folder, or empty it there");
}

struct err *root_write(int root_fd, const char *path, const char *data, size_t len,
		       mode_t mode, enum root_if_exists existing)
{
	CLEANUP(closep) int dir = -1;
	const char *name;
	struct stat st;

	TRY(path_open_parent(root_fd, path, &dir, &name));
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (existing == ROOT_KEEP)
			return NULL;
		TRY(remove_old(dir, name, path, S_ISDIR(st.st_mode)));
	}
	return err_wrap(create(dir, name, data, len, mode), "'%s' in the image", path);
}

struct err *root_read(int root_fd, const char *path, struct buf *out)
{
	CLEANUP(closep) int fd = -1;
	struct stat st;

	/* O_NONBLOCK: a fifo of that name must not block us. */
	TRY(path_open(root_fd, path, O_RDONLY | O_NONBLOCK, 0, &fd));
	if (fstat(fd, &st) != 0)
		return err_sys("'%s' in the image", path);
	if (!S_ISREG(st.st_mode))
		return err_new(ERR_NOTFOUND, "'%s' in the image is not a plain file",
			       path);
	return err_wrap(fs_read_fd(fd, READ_MAX, out), "'%s' in the image", path);
}

struct err *root_append(int root_fd, const char *path, const char *first,
			const char *data, mode_t mode)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct err *e = root_read(root_fd, path, &text);

	if (e && err_code(e) != ERR_NOTFOUND)
		return e;
	if (e)
		buf_puts(&text, first);
	err_ignore(e, "it is made now");
	buf_puts(&text, data);
	return root_write(root_fd, path, text.data, text.len, mode, ROOT_REPLACE);
}

struct err *root_link(int root_fd, const char *path, const char *target)
{
	CLEANUP(closep) int dir = -1;
	const char *name;
	struct stat st;

	TRY(path_open_parent(root_fd, path, &dir, &name));
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (!S_ISLNK(st.st_mode))
			return NULL;
		if (unlinkat(dir, name, 0) != 0)
			return err_sys("replace '%s'", path);
	}
	return symlinkat(target, dir, name) == 0 ? NULL : err_sys("link '%s'", path);
}

struct err *root_remove(int root_fd, const char *path)
{
	CLEANUP(closep) int dir = -1;
	const char *name;

	TRY(path_open_parent(root_fd, path, &dir, &name));
	return fs_remove_tree(dir, name);
}
