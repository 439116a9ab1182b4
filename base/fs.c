/* SPDX-License-Identifier: MIT
 * fs.c - see fs.h.
 */
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/dir.h"
#include "base/interrupt.h"

struct err *fs_open(int dir_fd, const char *path, int flags, mode_t mode, int *out)
{
	int fd;

	do
		fd = openat(dir_fd, path, flags | O_CLOEXEC, mode);
	while (fd < 0 && interrupt_retries());
	if (fd < 0)
		return err_sys("'%s'", path);
	*out = fd;
	return NULL;
}

struct err *fs_read_fd(int fd, size_t max, struct buf *out)
{
	/* On the stack: most files are small, and we read many. */
	char chunk[16 * 1024];
	size_t total = 0;

	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n < 0 && interrupt_retries())
			continue;
		if (n < 0)
			return err_sys("read");
		if (n == 0)
			return NULL;
		total += (size_t)n;
		if (total > max)
			return err_new(ERR_CORRUPT, "more than %zu bytes", max);
		buf_append(out, chunk, (size_t)n);
	}
}

struct err *fs_read_exact(int fd, void *out, size_t len)
{
	size_t have = 0;

	while (have < len) {
		ssize_t n = read(fd, (char *)out + have, len - have);

		if (n < 0 && interrupt_retries())
			continue;
		if (n < 0)
			return err_sys("read");
		if (n == 0)
			return err_new(ERR_CORRUPT, "%zu bytes, not %zu", have, len);
		have += (size_t)n;
	}
	return NULL;
}

struct err *fs_read_file(int dir_fd, const char *path, size_t max, struct buf *out)
{
	CLEANUP(closep) int fd = -1;

	TRY(fs_open(dir_fd, path, O_RDONLY, 0, &fd));
	return err_wrap(fs_read_fd(fd, max, out), "'%s'", path);
}

const char *fs_kind_name(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "a file";
	case S_IFDIR:
		return "a folder";
	case S_IFLNK:
		return "a link";
	case S_IFIFO:
		return "a fifo";
	case S_IFSOCK:
		return "a socket";
	default:
		return "a device";
	}
}

struct err *fs_open_regular(int dir_fd, const char *path, int *out)
{
	CLEANUP(closep) int fd = -1;
	struct stat st;

	TRY(fs_open(dir_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, &fd));
	if (fstat(fd, &st) != 0)
		return err_sys("'%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_new(ERR_USAGE, "'%s' is %s", path, fs_kind_name(st.st_mode));
	*out = steal_fd(&fd);
	return NULL;
}

struct err *fs_read_regular(int dir_fd, const char *path, size_t max, struct buf *out)
{
	CLEANUP(closep) int fd = -1;

	TRY(fs_open_regular(dir_fd, path, &fd));
	return err_wrap(fs_read_fd(fd, max, out), "'%s'", path);
}

struct err *fs_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && interrupt_retries())
			continue;
		if (n < 0)
			return err_sys("write");
		p += n;
		len -= (size_t)n;
	}
	return NULL;
}

struct err *fs_pwrite_all(int fd, const void *data, size_t len, uint64_t offset)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = pwrite(fd, p, len, (off_t)offset);

		if (n < 0 && interrupt_retries())
			continue;
		if (n < 0)
			return err_sys("write");
		p += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return NULL;
}

struct err *fs_mkdirs(int dir_fd, const char *path, mode_t mode)
{
	CLEANUP(freep) char *copy = xstrdup(path);

	for (char *p = copy + 1; copy[0]; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdirat(dir_fd, copy, mode) != 0 && errno != EEXIST)
			return err_sys("'%s'", copy);
		*p = c;
		if (c == '\0')
			break;
	}
	return NULL;
}

static const char RANDOM_ALPHABET[] = "abcdefghijklmnopqrstuvwxyz234567";

void fs_random_name(char *out, size_t len)
{
	unsigned char bytes[64];

	assert(len <= sizeof(bytes));
	if (getrandom(bytes, len, 0) != (ssize_t)len)
		abort(); /* cannot fail for so few bytes: getrandom(2) */
	for (size_t i = 0; i < len; i++)
		out[i] = RANDOM_ALPHABET[bytes[i] & 31];
	out[len] = '\0';
}

static const char TMPFILE_PREFIX[] = ".dagbuild-";
static const char TMPFILE_SUFFIX[] = ".tmp";
enum { TMPFILE_RANDOM = 12 };

static void tmpfile_choose_name(struct tmpfile *t)
{
	char random[TMPFILE_RANDOM + 1];

	fs_random_name(random, TMPFILE_RANDOM);
	snprintf(t->name, sizeof(t->name), "%s%s%s", TMPFILE_PREFIX, random,
		 TMPFILE_SUFFIX);
}

/* Between making and locking it, another process may take it for a dead process's. */
static struct err *tmpfile_open_named(struct tmpfile *t, mode_t mode)
{
	struct stat st;

	for (int tries = 0; tries < 16; tries++) {
		tmpfile_choose_name(t);
		TRY(fs_open(t->dir_fd, t->name, O_RDWR | O_CREAT | O_EXCL, mode, &t->fd));
		/* Where nothing can be locked, nothing is taken for a dead process's
		 * either. */
		(void)flock(t->fd, LOCK_EX);
		if (fstat(t->fd, &st) == 0 && st.st_nlink > 0) {
			t->interrupt_name = interrupt_name_add(t->dir_fd, t->name);
			return NULL;
		}
		close(t->fd);
		t->fd = -1;
	}
	t->name[0] = '\0';
	return err_new(ERR_SYS, "temporary file: another process keeps removing it");
}

struct err *tmpfile_open(struct tmpfile *t, int dir_fd, mode_t mode)
{
	t->dir_fd = dir_fd;
	t->fd = openat(dir_fd, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, mode);
	if (t->fd >= 0)
		return NULL;
	/* open(2): the answers of a filesystem or kernel without O_TMPFILE */
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT && errno != EINVAL)
		return err_sys("temporary file");
	return tmpfile_open_named(t, mode);
}

/* It has another name now, or none. */
static void tmpfile_forget_name(struct tmpfile *t)
{
	t->name[0] = '\0';
	interrupt_name_drop(t->interrupt_name);
	t->interrupt_name = -1;
}

static struct err *tmpfile_link(const struct tmpfile *t, int dir_fd, const char *path)
{
	char self[64];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", t->fd);
	if (linkat(AT_FDCWD, self, dir_fd, path, AT_SYMLINK_FOLLOW) != 0)
		return err_sys("'%s'", path);
	return NULL;
}

struct err *tmpfile_publish(struct tmpfile *t, int dir_fd, const char *path)
{
	struct err *e;

	/* linkat(2) replaces nothing, so rename(2) needs a temporary name.
	 */
	if (!t->name[0]) {
		(void)flock(t->fd, LOCK_EX);
		tmpfile_choose_name(t);
		t->interrupt_name = interrupt_name_add(t->dir_fd, t->name);
		e = tmpfile_link(t, t->dir_fd, t->name);
		if (e)
			tmpfile_forget_name(t);
		TRY(e);
	}
	if (renameat(t->dir_fd, t->name, dir_fd, path) != 0)
		return err_sys("'%s'", path);
	tmpfile_forget_name(t);
	return NULL;
}

struct err *tmpfile_publish_new(struct tmpfile *t, int dir_fd, const char *path)
{
	if (!t->name[0])
		return tmpfile_link(t, dir_fd, path);
	if (renameat2(t->dir_fd, t->name, dir_fd, path, RENAME_NOREPLACE) != 0)
		return err_sys("'%s'", path);
	tmpfile_forget_name(t);
	return NULL;
}

void tmpfile_release(struct tmpfile *t)
{
	int saved = errno;

	if (t->fd >= 0) {
		close(t->fd);
		if (t->name[0])
			unlinkat(t->dir_fd, t->name, 0);
	}
	t->fd = -1;
	tmpfile_forget_name(t);
	errno = saved;
}

/* Only exact names of tmpfile_choose_name(): the folder is the user's. */
static bool tmpfile_is_name(const char *name)
{
	const size_t prefix = sizeof(TMPFILE_PREFIX) - 1;

	return strncmp(name, TMPFILE_PREFIX, prefix) == 0 &&
	       strspn(name + prefix, RANDOM_ALPHABET) == TMPFILE_RANDOM &&
	       strcmp(name + prefix + TMPFILE_RANDOM, TMPFILE_SUFFIX) == 0;
}

void tmpfile_remove_if_dead(int dir_fd, const char *name)
{
	CLEANUP(closep) int fd = -1;
	struct stat st;

	if (!tmpfile_is_name(name))
		return;
	fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_uid == geteuid() && flock(fd, LOCK_EX | LOCK_NB) == 0)
		(void)unlinkat(dir_fd, name, 0); /* else the next run does it */
}

void tmpfile_remove_dead(int dir_fd)
{
	CLEANUP(dir_closep) DIR *dir = dir_open(dir_fd, ".", 0);
	const char *name;

	while (dir && (name = dir_next(dir)) != NULL)
		tmpfile_remove_if_dead(dir_fd, name);
}

struct err *fs_write_atomic(int dir_fd, const char *path, const void *data, size_t len,
			    mode_t mode)
{
	CLEANUP(closep) int parent = -1;
	CLEANUP(tmpfile_release) struct tmpfile tmp = TMPFILE_INIT;
	const char *slash = strrchr(path, '/');
	CLEANUP(freep)
	char *folder = slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup(".");

	TRY(fs_open(dir_fd, folder, O_PATH | O_DIRECTORY, 0, &parent));
	TRY(tmpfile_open(&tmp, parent, mode));
	TRY(fs_write_all(tmp.fd, data, len));
	if (fdatasync(tmp.fd) != 0)
		return err_sys("'%s': sync", path);
	return tmpfile_publish(&tmp, parent, slash ? slash + 1 : path);
}

bool fs_is_named(int fd, int dir_fd, const char *path)
{
	struct stat held, named;

	return fstat(fd, &held) == 0 &&
	       fstatat(dir_fd, path, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

struct err *fs_absolute(const char *path, char **out)
{
	CLEANUP(freep) char *cwd = NULL;

	if (path[0] == '/') {
		*out = xstrdup(path);
		return NULL;
	}
	cwd = getcwd(NULL, 0);
	if (!cwd)
		return err_sys("current folder");
	*out = xasprintf("%s/%s", strcmp(cwd, "/") == 0 ? "" : cwd, path);
	return NULL;
}
