/* SPDX-License-Identifier: MIT
 * tree_walk.c - see tree_walk.h.
 *
 * A folder's own mode and owner, when it is the named source, are not hashed for a copy
 * from a stage, since they are not copied; nor are names above it, which the caller has
 * hashed as far as they matter.
 */
#include "engine/tree/tree_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/path.h"
#include "engine/tree/tree_names.h"

enum {
	CHUNK = 128 * 1024,
	DEPTH_MAX = 256,      /* folders; each holds a descriptor or two open */
	CAPABILITY_MAX = 256, /* 20 or 24 bytes as of Linux 6: capabilities(7) */
};

/* A folder that the walk is in. */
struct level {
	const struct level *up;
	dev_t device;
	ino_t inode;
	unsigned depth;
	int fd; /* O_RDONLY */
};

struct seen_file {
	dev_t device;
	ino_t inode;
	char *path;
};

static int compare_seen(const void *left, const void *right)
{
	const struct seen_file *a = left, *b = right;

	if (a->device != b->device)
		return a->device < b->device ? -1 : 1;
	if (a->inode != b->inode)
		return a->inode < b->inode ? -1 : 1;
	return 0;
}

static void seen_free(void *node)
{
	struct seen_file *seen = node;

	free(seen->path);
	free(seen);
}

/* The path under which the file of `st` was met before; NULL, and noted, if it was not.
 */
static const char *seen_before(struct tree_walk *w, const struct stat *st,
			       const char *path)
{
	struct seen_file *seen = xcalloc(1, sizeof(*seen)), **found;

	*seen = (struct seen_file){st->st_dev, st->st_ino, xstrdup(path)};
	found = tsearch(seen, &w->seen, compare_seen);
	if (!found)
		abort(); /* only memory can fail here */
	if (*found == seen)
		return NULL;
	seen_free(seen);
	return (*found)->path;
}

static bool from_host(const struct tree_walk *w)
{
	return w->request->from == COPY_FROM_HOST;
}

/* Apptainer's umask is 0002 while it builds; cp passes on the sticky bit of folders only.
 */
static uint64_t kept_mode(const struct tree_walk *w, const struct stat *st)
{
	if (!from_host(w))
		return st->st_mode & 07777;
	return st->st_mode & (S_ISDIR(st->st_mode) ? 01775 : 0775);
}

static char entry_letter(const struct walk_entry *entry)
{
	if (entry->first)
		return 'h';
	switch (entry->stat.st_mode & S_IFMT) {
	case S_IFREG:
		return 'f';
	case S_IFDIR:
		return 'd';
	case S_IFLNK:
		return 'l';
	case S_IFIFO:
		return 'p';
	case S_IFCHR:
		return 'c';
	case S_IFBLK:
		return 'b';
	default:
		return 's';
	}
}

static void hash_time(struct tree_walk *w, const struct timespec *mtime)
{
	bool is_before = mtime->tv_sec < w->request->epoch_s;

	if (!w->request->has_epoch)
		return;
	hasher_add_u64(w->hasher,
		       (uint64_t)(is_before ? mtime->tv_sec : w->request->epoch_s));
	hasher_add_u64(w->hasher, is_before ? (uint64_t)mtime->tv_nsec : 0);
}

static void hash_entry(struct tree_walk *w, const struct walk_entry *entry)
{
	char letter = entry_letter(entry);
	bool is_named_folder = letter == 'd' && entry->path[0] == '\0';

	hasher_update(w->hasher, &letter, 1);
	hasher_add_str(w->hasher, entry->path);
	if (entry->first) {
		hasher_add_str(w->hasher, entry->first);
		return;
	}
	if (from_host(w) || !is_named_folder)
		hasher_add_u64(w->hasher, kept_mode(w, &entry->stat));
	if (!from_host(w) && !is_named_folder) {
		hasher_add_u64(w->hasher, entry->stat.st_uid);
		hasher_add_u64(w->hasher, entry->stat.st_gid);
		hasher_add(w->hasher, entry->capability, entry->capability_size);
		hash_time(w, &entry->stat.st_mtim);
	}
	hasher_add_str(w->hasher, entry->link ? entry->link : "");
	if (letter == 'c' || letter == 'b')
		hasher_add_u64(w->hasher, entry->stat.st_rdev);
}

static bool is_zero(const unsigned char *data, size_t size)
{
	return size == 0 || (data[0] == 0 && memcmp(data, data + 1, size - 1) == 0);
}

/* A chunk of zeros becomes a hole, unless there is nothing to write at all. */
static struct err *write_chunk(int out, const unsigned char *data, size_t size,
			       uint64_t offset)
{
	if (out < 0 || is_zero(data, size))
		return NULL;
	return fs_pwrite_all(out, data, size, offset);
}

/* One chunk of `in`, written to `out` unless that is -1; `*n` 0 at the end. */
static struct err *pass_chunk(struct tree_walk *w, int in, int out, uint64_t offset,
			      size_t *n)
{
	ssize_t got;

	if (w->request->cancel)
		TRY(cancel_check(w->request->cancel));
	do
		got = read(in, w->chunk, CHUNK);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_sys("read");
	*n = (size_t)got;
	w->done += *n;
	if (w->request->progress)
		w->request->progress(w->request->context, w->done);
	return write_chunk(out, w->chunk, *n, offset);
}

/* Read all of `in`, write it to `out` unless that is -1, hash what was read. */
static struct err *pass_data(struct tree_walk *w, int in, int out)
{
	CLEANUP(hasher_freep)
	struct hasher *content = hasher_new(DIGEST_XXH3, w->request->secret);
	uint64_t size = 0;
	struct digest digest;
	size_t n = 0;

	do {
		TRY(pass_chunk(w, in, out, size, &n));
		hasher_update(content, w->chunk, n);
		size += n;
	} while (n > 0);
	/* It may end in a hole. */
	if (out >= 0 && ftruncate(out, (off_t)size) != 0)
		return err_sys("write");
	digest = hasher_final(content);
	hasher_add_u64(w->hasher, size);
	hasher_add(w->hasher, digest.bytes, sizeof(digest.bytes));
	return NULL;
}

/* Open for reading what `fd` (O_PATH) is open on, which is known to be a regular file: no
 * name is looked up again, so that nothing else can have come in its place. */
static struct err *reopen(int fd, int *out)
{
	char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return fs_open(AT_FDCWD, path, O_RDONLY | O_NOCTTY | O_NONBLOCK, 0, out);
}

static struct err *read_capability(int fd, unsigned char *value, struct walk_entry *entry)
{
	ssize_t size = fgetxattr(fd, "security.capability", value, CAPABILITY_MAX);

	if (size < 0 && errno != ENODATA && errno != EOPNOTSUPP)
		return err_sys("capabilities");
	if (size > 0) {
		entry->capability = value;
		entry->capability_size = (size_t)size;
	}
	return NULL;
}

static struct err *copy_file(struct tree_walk *w, int in, const struct walk_entry *entry)
{
	CLEANUP(closep) int out = -1;

	hash_entry(w, entry);
	if (!w->visitor)
		return pass_data(w, in, -1);
	TRY(w->visitor->file(w->context, entry, &out));
	TRY(pass_data(w, in, out));
	return w->visitor->finish(w->context, entry, out);
}

static struct err *copy_other(struct tree_walk *w, const struct walk_entry *entry)
{
	hash_entry(w, entry);
	return w->visitor ? w->visitor->other(w->context, entry) : NULL;
}

static struct err *walk_file(struct tree_walk *w, int fd, const struct walk_entry *entry)
{
	unsigned char capability[CAPABILITY_MAX];
	struct walk_entry file = *entry;
	CLEANUP(closep) int in = -1;

	if (!from_host(w) && file.stat.st_nlink > 1)
		file.first = seen_before(w, &file.stat, file.path);
	if (file.first)
		return copy_other(w, &file);
	TRY(reopen(fd, &in));
	if (!from_host(w))
		TRY(read_capability(in, capability, &file));
	return copy_file(w, in, &file);
}

static struct err *walk_link(struct tree_walk *w, int fd, const struct walk_entry *entry)
{
	char text[PATH_MAX];
	struct walk_entry link = *entry;
	ssize_t len = readlinkat(fd, "", text, sizeof(text) - 1);

	if (len < 0)
		return err_sys("read link");
	text[len] = '\0';
	link.link = text;
	return copy_other(w, &link);
}

static struct err *walk_entry(struct tree_walk *w, const struct level *up, int fd,
			      const struct walk_entry *entry);

static struct err *walk_child(struct tree_walk *w, const struct level *level,
			      const char *folder, const char *name)
{
	CLEANUP(freep)
	char *path = xasprintf("%s%s%s", folder, folder[0] ? "/" : "", name);
	CLEANUP(closep) int fd = -1;
	struct walk_entry entry = {.path = path, .name = name};
	struct err *e = fs_open(level->fd, name, O_PATH | (from_host(w) ? 0 : O_NOFOLLOW),
				0, &fd);

	if (!e && fstat(fd, &entry.stat) != 0)
		e = err_sys("stat");
	if (!e)
		e = walk_entry(w, level, fd, &entry);
	/* One level says where; it is the innermost that knows the whole path. */
	if (e && err_code(e) != ERR_CANCELLED && !err_cause(e))
		e = err_wrap(e, "'%s'", path);
	return e;
}

static struct err *check_folder(const struct tree_walk *w, const struct level *level)
{
	if (level->depth > DEPTH_MAX)
		return err_new(ERR_SYS, "folders are nested more than %d deep",
			       DEPTH_MAX);
	if (w->visitor && level->device == w->avoid.st_dev &&
	    level->inode == w->avoid.st_ino)
		return err_new(ERR_SYS, "the source holds the image's own root folder");
	for (const struct level *l = level->up; l; l = l->up)
		if (l->device == level->device && l->inode == level->inode)
			return err_new(ERR_SYS, "a link leads back to a folder above it");
	return NULL;
}

static struct err *walk_folder(struct tree_walk *w, const struct level *up, int fd,
			       const struct walk_entry *entry)
{
	CLEANUP(path_list_release) struct path_list names = {0};
	CLEANUP(closep) int own = -1;
	struct level level = {.up = up,
			      .device = entry->stat.st_dev,
			      .inode = entry->stat.st_ino,
			      .depth = up ? up->depth + 1 : 0};

	TRY(check_folder(w, &level));
	TRY(fs_open(fd, ".", O_RDONLY | O_DIRECTORY, 0, &own));
	level.fd = own;
	TRY(tree_names(own, &names));
	hash_entry(w, entry);
	if (w->visitor)
		TRY(w->visitor->enter(w->context, entry));
	for (size_t i = 0; i < names.len; i++)
		TRY(walk_child(w, &level, entry->path, names.items[i]));
	return w->visitor ? w->visitor->leave(w->context, entry) : NULL;
}

static struct err *walk_entry(struct tree_walk *w, const struct level *up, int fd,
			      const struct walk_entry *entry)
{
	if (w->request->cancel)
		TRY(cancel_check(w->request->cancel));
	switch (entry->stat.st_mode & S_IFMT) {
	case S_IFREG:
		return walk_file(w, fd, entry);
	case S_IFDIR:
		return walk_folder(w, up, fd, entry);
	case S_IFLNK:
		return walk_link(w, fd, entry);
	default:
		return copy_other(w, entry);
	}
}

void tree_walk_init(struct tree_walk *w, const struct copy_request *request)
{
	*w = (struct tree_walk){
		.request = request,
		.hasher = hasher_new(DIGEST_XXH3, request->secret),
		.chunk = xmalloc(CHUNK),
	};
	hasher_add_str(w->hasher,
		       request->from == COPY_FROM_HOST ? "copy host 1" : "copy stage 1");
}

struct err *tree_walk_open(const struct copy_request *request, const char *path, int *fd,
			   struct stat *st)
{
	if (request->from == COPY_FROM_HOST)
		TRY(fs_open(request->source_fd, path, O_PATH, 0, fd));
	else
		TRY(path_open(request->source_fd, path, O_PATH, 0, fd));
	if (fstat(*fd, st) != 0)
		return err_sys("'%s'", path);
	return NULL;
}

struct err *tree_walk_source(struct tree_walk *w, int fd, const char *name)
{
	struct walk_entry entry = {.path = "", .name = name};
	struct err *e;

	if (fstat(fd, &entry.stat) != 0)
		return err_sys("'%s'", name);
	e = walk_entry(w, NULL, fd, &entry);
	tdestroy(w->seen, seen_free);
	w->seen = NULL;
	return e;
}

void tree_walk_release(struct tree_walk *w)
{
	tdestroy(w->seen, seen_free);
	hasher_free(w->hasher);
	free(w->chunk);
}
