/* SPDX-License-Identifier: MIT
 * store_handle.c - an open store, as the other files of cache/ see it: store.h,
 * store_private.h.
 *
 * It is below all of them, and does not know how a store is made, opened and held.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/interrupt.h"
#include "base/path.h"
#include "cache/store_private.h"

/* At most this long between two tries for a lock. */
static const int LOCK_WAIT_MS = 50;

const char *store_dir(const struct store *s)
{
	return s->dir;
}

int store_fd(const struct store *s)
{
	return s->fd;
}

const struct hash_secret *store_secret(const struct store *s)
{
	return &s->secret;
}

void store_touch(const struct store *s, int fd, const struct stat *st)
{
	static const int64_t EVERY_S = 60;
	int64_t now_s = clock_real_ns() / 1000000000;

	/* Failure does no harm: the file only seems to have been used longer ago. */
	if (s->can_write && now_s - st->st_mtim.tv_sec >= EVERY_S)
		(void)futimens(fd, NULL);
}

struct err *store_publish(const struct store *s, const char *path, const char *text)
{
	CLEANUP(freep) char *folder = NULL;
	CLEANUP(closep) int dir = -1, tmp_dir = -1;
	CLEANUP(tmpfile_release) struct tmpfile tmp = TMPFILE_INIT;
	const char *name = path_base(path);

	folder = xstrndup(path, (size_t)(name - path) - 1);
	TRY(fs_mkdirs(s->fd, folder, 0700));
	TRY(fs_open(s->fd, folder, O_RDONLY | O_DIRECTORY, 0, &dir));
	/* What a kill leaves is in tmp/, where the next start looks for it. */
	TRY(fs_open(s->fd, "tmp", O_RDONLY | O_DIRECTORY, 0, &tmp_dir));
	TRY(tmpfile_open(&tmp, tmp_dir, 0600));
	TRY(fs_write_all(tmp.fd, text, strlen(text)));
	return tmpfile_publish(&tmp, dir, name);
}

struct err *store_lock_fd(int fd, int how, const char *path)
{
	/* Try again and again, since a thread that waits in flock(2) gets no signal. */
	for (int wait_ms = 1; flock(fd, how | LOCK_NB) != 0;) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_sys("lock '%s'", path);
		TRY(interrupt_check());
		(void)poll(NULL, 0, wait_ms);
		wait_ms = 2 * wait_ms < LOCK_WAIT_MS ? 2 * wait_ms : LOCK_WAIT_MS;
	}
	return NULL;
}

struct err *store_lock_file(const struct store *s, const char *path, int how, int *fd)
{
	CLEANUP(closep) int file = -1;

	TRY(fs_open(s->fd, path, O_RDWR | O_CREAT, 0600, &file));
	TRY(store_lock_fd(file, how, path));
	*fd = steal_fd(&file);
	return NULL;
}
