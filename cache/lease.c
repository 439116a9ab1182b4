/* SPDX-License-Identifier: MIT
 * lease.c - see lease.h.
 *
 * A lease is lines of text: a letter and a name.  "S" is when it began, in nanoseconds,
 * "P" the process, "W" what is reserved (the last one counts); the others are those of
 * enum lease_kind.  A line is written with one write(2) at the end of the file, under the
 * shared lock; the collector takes the lock alone, and never sees half a line of a living
 * process.
 */
#include "cache/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/dir.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/path.h"
#include "base/interrupt.h"
#include "base/str.h"
#include "cache/store_names.h"
#include "cache/store_private.h"

static const char FOLDER[] = "leases";
static const char LOCK[] = "leases/.lock";

enum {
	NAME_LEN = 12,
	LINE_SIZE = 128,
	LEASE_MAX = 64 << 20, /* bytes */
};

struct lease {
	const struct store *store;
	int fd; /* locked, open for appending */
	char name[NAME_LEN + 1];
	int interrupt_name;   /* of interrupt_name_add(): a signal removes the file */
	pthread_mutex_t lock; /* guards named, texts */
	struct map named;     /* lines in the file */
	VEC(char *) texts;    /* the lines */
};

/* Each call opens the file again: locks through one descriptor would be one lock. */
static struct err *take_lock(const struct store *s, int how, int *fd)
{
	return store_lock_file(s, LOCK, how, fd);
}

struct err *lease_lock(const struct store *s, int *fd)
{
	return take_lock(s, LOCK_EX, fd);
}

static struct err *write_line(struct lease *l, const char *line)
{
	CLEANUP(closep) int lock = -1;
	CLEANUP(freep) char *text = xasprintf("%s\n", line);

	TRY(take_lock(l->store, LOCK_SH, &lock));
	return err_wrap(fs_write_all(l->fd, text, strlen(text)), "lease '%s'", l->name);
}

/* The file is locked before it gets its name: nothing takes it for a dead process's. */
static struct err *make_file(struct lease *l)
{
	CLEANUP(closep) int folder = -1;
	CLEANUP(freep) char *path = NULL;
	CLEANUP(tmpfile_release) struct tmpfile tmp = TMPFILE_INIT;

	TRY(fs_open(l->store->fd, FOLDER, O_RDONLY | O_DIRECTORY, 0, &folder));
	TRY(tmpfile_open(&tmp, folder, 0600));
	if (flock(tmp.fd, LOCK_EX | LOCK_NB) != 0)
		return err_sys("lock a lease");
	if (fcntl(tmp.fd, F_SETFL, O_APPEND) != 0)
		return err_sys("lease");
	fs_random_name(l->name, NAME_LEN);
	path = path_join(FOLDER, l->name);
	l->interrupt_name = interrupt_name_add(l->store->fd, path);
	TRY(tmpfile_publish_new(&tmp, folder, l->name));
	l->fd = steal_fd(&tmp.fd);
	return NULL;
}

struct err *lease_new(const struct store *s, struct lease **out)
{
	struct lease *l = xcalloc(1, sizeof(*l));
	char line[LINE_SIZE];
	struct err *e;

	l->store = s;
	l->fd = -1;
	l->interrupt_name = -1;
	pthread_mutex_init(&l->lock, NULL);
	e = make_file(l);
	snprintf(line, sizeof(line), "S%lld\nP%ld", (long long)clock_real_ns(),
		 (long)getpid());
	if (!e)
		e = write_line(l, line);
	if (e) {
		lease_free(l);
		return err_wrap(e, "cache folder '%s'", s->dir);
	}
	*out = l;
	return NULL;
}

void lease_free(struct lease *l)
{
	CLEANUP(freep) char *path = NULL;

	if (!l)
		return;
	path = path_join(FOLDER, l->name);
	if (l->fd >= 0 && unlinkat(l->store->fd, path, 0) != 0)
		log_debug("cache", "lease '%s' stays: the next collection removes it",
			  l->name);
	interrupt_name_drop(l->interrupt_name);
	closep(&l->fd);
	for (size_t i = 0; i < l->texts.len; i++)
		free(l->texts.items[i]);
	vec_free(&l->texts);
	map_release(&l->named);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static bool is_named(struct lease *l, const char *line)
{
	bool found;

	pthread_mutex_lock(&l->lock);
	found = map_get(&l->named, line) != NULL;
	pthread_mutex_unlock(&l->lock);
	return found;
}

/* Only once it is in the file: from then on other threads do not write it. */
static void remember(struct lease *l, const char *line)
{
	char *text = xstrdup(line);

	pthread_mutex_lock(&l->lock);
	vec_push(&l->texts, text);
	map_set(&l->named, text, text);
	pthread_mutex_unlock(&l->lock);
}

struct err *lease_add(struct lease *l, enum lease_kind kind, const char *name)
{
	char line[LINE_SIZE];

	snprintf(line, sizeof(line), "%c%s", (char)kind, name);
	if (is_named(l, line))
		return NULL;
	TRY(write_line(l, line));
	remember(l, line);
	return NULL;
}

struct err *lease_reserve(struct lease *l, uint64_t bytes, uint64_t files)
{
	char line[LINE_SIZE];

	snprintf(line, sizeof(line), "W%llu %llu", (unsigned long long)bytes,
		 (unsigned long long)files);
	return write_line(l, line);
}

/* ---- reading all of them ---- */

struct reservation {
	uint64_t bytes, files;
	int64_t began_ns;
	bool is_own;
};

static void read_line(struct lease_set *set, char *line, struct reservation *r)
{
	struct str bytes, files;
	uint64_t number = 0;

	switch (line[0]) {
	case 'S':
		if (str_to_u64(str_of(line + 1), &number))
			r->began_ns = (int64_t)number;
		break;
	case 'P':
		r->is_own = str_to_u64(str_of(line + 1), &number) &&
			    (pid_t)number == getpid();
		break;
	case 'W':
		str_cut(str_of(line + 1), ' ', &bytes, &files);
		if (!str_to_u64(bytes, &r->bytes) || !str_to_u64(files, &r->files))
			r->bytes = r->files = 0;
		break;
	default:
		map_set(&set->names, line, line);
	}
}

static void read_lines(struct lease_set *set, struct buf text)
{
	struct reservation r = {.began_ns = INT64_MAX};
	char *line = text.data, *end;

	vec_push(&set->texts, text);
	set->alive++;
	while (line && (end = strchr(line, '\n')) != NULL) {
		*end = '\0';
		read_line(set, line, &r);
		line = end + 1;
	}
	set->bytes += r.bytes;
	set->files += r.files;
	if (r.began_ns < set->oldest_ns)
		set->oldest_ns = r.began_ns;
	if (r.is_own)
		set->own_ns = r.began_ns;
	if (r.bytes > 0 && r.began_ns > set->youngest_ns)
		set->youngest_ns = r.began_ns;
}

static struct err *read_lease(const struct store *s, const char *name,
			      struct lease_set *set)
{
	CLEANUP(freep) char *path = path_join(FOLDER, name);
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(closep) int fd = -1;
	struct err *e;

	if (store_name_of(path) != STORE_NAME_FILE || name[0] == '.')
		return NULL;
	e = fs_open(s->fd, path, O_RDONLY, 0, &fd);
	if (e && err_code(e) == ERR_NOTFOUND) {
		err_ignore(e, "its process has ended");
		return NULL;
	}
	TRY(e);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		log_debug("cache", "lease '%s' was left by a process that ended", name);
		unlinkat(s->fd, path, 0);
		return NULL;
	}
	TRY(err_wrap(fs_read_fd(fd, LEASE_MAX, &text), "lease '%s'", name));
	read_lines(set, text);
	text = (struct buf)BUF_INIT;
	return NULL;
}

struct err *lease_set_read(const struct store *s, struct lease_set *out)
{
	CLEANUP(dir_closep) DIR *dir = dir_open(s->fd, FOLDER, 0);
	const char *name;

	if (!dir)
		return errno == ENOENT ? NULL : err_sys("'%s'", FOLDER);
	while ((name = dir_next(dir)) != NULL)
		TRY(read_lease(s, name, out));
	return errno ? err_sys("read '%s'", FOLDER) : NULL;
}

bool lease_set_has(const struct lease_set *set, enum lease_kind kind, const char *name)
{
	char line[LINE_SIZE];

	snprintf(line, sizeof(line), "%c%s", (char)kind, name);
	return map_get(&set->names, line) != NULL;
}

void lease_set_release(struct lease_set *set)
{
	for (size_t i = 0; i < set->texts.len; i++)
		buf_release(&set->texts.items[i]);
	vec_free(&set->texts);
	map_release(&set->names);
	*set = (struct lease_set)LEASE_SET_INIT;
}
