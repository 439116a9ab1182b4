/* SPDX-License-Identifier: MIT
 * output.c - see output.h.
 */
#include "base/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/path.h"

/* As the kernel's: path_resolution(7). */
static const int LINKS_MAX = 40;

static char *folder_of(const char *path)
{
	return xstrndup(path, (size_t)(path_base(path) - path));
}

/* If `*path` is a link, replace it by where the link leads; else `*more` is false. */
static struct err *follow_one(char **path, bool *more)
{
	CLEANUP(freep) char *folder = NULL;
	char to[PATH_MAX];
	ssize_t n = readlink(*path, to, sizeof(to));
	char *next;

	*more = n >= 0;
	if (n < 0) /* no link, or nothing: output_check() finds what is wrong */
		return NULL;
	if ((size_t)n == sizeof(to))
		return err_new(ERR_USAGE, "'%s': the link is too long", *path);
	to[n] = '\0';
	folder = folder_of(*path);
	next = to[0] == '/' ? xstrdup(to) : xasprintf("%s%s", folder, to);
	freep(path);
	*path = next;
	return NULL;
}

static struct err *follow(char **path)
{
	CLEANUP(closep) int fd = -1;
	bool more = true;

	/* Ask the kernel first: it finds circles, and refuses to follow other users'
	 * links in folders such as /tmp (proc(5), protected_symlinks). */
	fd = open(*path, O_PATH | O_CLOEXEC);
	if (fd < 0 && errno != ENOENT)
		return err_sys("'%s'", *path);
	for (int i = 0; i < LINKS_MAX && more; i++)
		TRY(follow_one(path, &more));
	return NULL;
}

static struct err *check_name(const char *path)
{
	const char *name = path_base(path);

	if (strcmp(name, "") == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return err_new(ERR_USAGE, "'%s' is the name of a folder", path);
	return NULL;
}

static struct err *check_file(const char *path)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ? NULL : err_sys("'%s'", path);
	if (S_ISREG(st.st_mode))
		return NULL;
	return err_new(ERR_USAGE, "'%s' is %s", path, fs_kind_name(st.st_mode));
}

/* Make a file: permissions do not tell about /proc, for example. */
static struct err *check_folder(const char *path)
{
	CLEANUP(freep) char *folder = folder_of(path);
	CLEANUP(closep) int fd = -1;
	CLEANUP(tmpfile_release) struct tmpfile tmp = TMPFILE_INIT;

	TRY(fs_open(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY, 0, &fd));
	return err_wrap(tmpfile_open(&tmp, fd, 0600), "folder '%s'", folder);
}

static struct err *told(struct err *e, const char *path)
{
	if (!e)
		return NULL;
	if (err_code(e) != ERR_NOSPACE)
		e = err_recode(e, ERR_USAGE);
	return err_hint(err_wrap(e, "'%s' cannot be written", path),
			"name a new file, or one to replace, in a folder that you may "
			"write to");
}

static struct err *check(const char *path)
{
	TRY(check_name(path));
	TRY(check_file(path));
	return check_folder(path);
}

struct err *output_check(const char *path)
{
	return told(check(path), path);
}

struct err *output_follow(const char *path, char **out)
{
	CLEANUP(freep) char *real = NULL;

	if (!path[0])
		return err_new(ERR_USAGE, "the name of the file is empty");
	TRY(fs_absolute(path, &real));
	TRY(told(check_name(real), path));
	TRY(told(follow(&real), path));
	*out = STEAL(real);
	return NULL;
}

static bool is_one(const char *a, const char *b, mode_t type)
{
	struct stat of_a, of_b;

	return stat(a, &of_a) == 0 && stat(b, &of_b) == 0 &&
	       (of_a.st_mode & S_IFMT) == type && of_a.st_dev == of_b.st_dev &&
	       of_a.st_ino == of_b.st_ino;
}

/* For files that do not exist yet. */
static bool is_one_name(const char *a, const char *b)
{
	CLEANUP(freep) char *folder_a = folder_of(a);
	CLEANUP(freep) char *folder_b = folder_of(b);

	return access(a, F_OK) != 0 && strcmp(path_base(a), path_base(b)) == 0 &&
	       is_one(folder_a, folder_b, S_IFDIR);
}

struct err *output_spare(const char *path, const char *input, const char *what)
{
	CLEANUP(freep) char *real = NULL;
	CLEANUP(freep) char *real_input = NULL;

	if (!input)
		return NULL;
	TRY(fs_absolute(path, &real));
	TRY(fs_absolute(input, &real_input));
	if (!is_one(real, real_input, S_IFREG) && !is_one_name(real, real_input))
		return NULL;
	return err_hint(err_new(ERR_USAGE, "'%s' is %s, and would be lost", path, what),
			"name another file");
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

struct err *output_keep_out(const char *path, int folder_fd, const char *what)
{
	CLEANUP(freep) char *real = NULL;
	CLEANUP(freep) char *parent = NULL;
	CLEANUP(buf_release) struct buf at = BUF_INIT;
	struct stat folder, st, below = {0};

	TRY(fs_absolute(path, &real));
	parent = folder_of(real);
	buf_puts(&at, parent);
	if (fstat(folder_fd, &folder) != 0)
		return err_sys("stat");
	/* Go up to the root, which is its own parent. */
	while (stat(buf_text(&at), &st) == 0 && !is_same(&st, &below)) {
		if (is_same(&st, &folder))
			return err_hint(err_new(ERR_USAGE, "'%s' is in %s", path, what),
					"name a file in another folder");
		below = st;
		buf_puts(&at, "/..");
	}
	return NULL;
}
