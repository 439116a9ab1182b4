/* SPDX-License-Identifier: MIT
 * key_lock.c - see key_lock.h.
 *
 * The holder removes its lock file while it is locked.  Another process may have opened
 * the file just before; its lock is then on a file without a name.  So each process, once
 * it has the lock, checks that the name still leads to its file.
 */
#include "cache/key_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/dir.h"
#include "base/fs.h"
#include "base/path.h"
#include "base/str.h"
#include "cache/store_names.h"
#include "cache/store_private.h"

static pid_t read_holder(int fd)
{
	char text[24] = "";
	uint64_t pid = 0;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	return n > 0 && str_to_u64(str_trim(str_of(text)), &pid) ? (pid_t)pid : 0;
}

static struct err *write_holder(int fd)
{
	char text[24];

	snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) != 0)
		return err_sys("truncate");
	return fs_pwrite_all(fd, text, strlen(text), 0);
}

struct err *key_lock_try(const struct store *s, const struct digest *key,
			 struct key_lock *out, bool *taken, pid_t *holder)
{
	char hex[DIGEST_TEXT_SIZE];

	*taken = false;
	*holder = 0;
	out->store = s;
	snprintf(out->path, sizeof(out->path), "locks/%.64s", digest_hex(key, hex));
	for (;;) {
		CLEANUP(closep) int fd = -1;

		TRY(fs_open(s->fd, out->path, O_RDWR | O_CREAT, 0600, &fd));
		if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
			if (errno != EWOULDBLOCK && errno != EINTR)
				return err_sys("lock '%s'", out->path);
			*holder = read_holder(fd);
			return NULL;
		}
		if (!fs_is_named(fd, s->fd, out->path))
			continue;
		/* Only for the message of processes that wait. */
		err_ignore(write_holder(fd), "they wait without knowing for whom");
		out->fd = steal_fd(&fd);
		*taken = true;
		return NULL;
	}
}

int key_lock_fd(const struct key_lock *l)
{
	return l->fd;
}

void key_lock_release(struct key_lock *l)
{
	if (l->fd < 0)
		return;
	unlinkat(l->store->fd, l->path, 0);
	closep(&l->fd);
	l->fd = -1;
}

static void remove_if_free(const struct store *s, const char *name)
{
	CLEANUP(freep) char *path = path_join("locks", name);
	CLEANUP(closep) int fd = -1;

	if (store_name_of(path) != STORE_NAME_FILE)
		return;
	fd = openat(s->fd, path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && fs_is_named(fd, s->fd, path))
		unlinkat(s->fd, path, 0);
}

void key_lock_clean(const struct store *s)
{
	CLEANUP(dir_closep) DIR *dir = dir_open(s->fd, "locks", 0);
	const char *name;

	while (dir && (name = dir_next(dir)) != NULL)
		remove_if_free(s, name);
}
