/* SPDX-License-Identifier: MIT
 * tree_walk.c - see tree_walk.h; what is hashed, and how, is in tree_hash.h.
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
#include "engine/tree/tree_hash.h"
#include "engine/tree/tree_list.h"
#include "engine/tree/tree_names.h"

enum {
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

/* What the image will say, where times are clamped when it is packed. */
static int64_t kept_time(const struct tree_walk *w, const struct stat *st)
{
	return st->st_mtim.tv_sec < w->request->clamp_s ? st->st_mtim.tv_sec
							: w->request->clamp_s;
}

static bool is_named_folder(const struct walk_entry *entry)
{
	return S_ISDIR(entry->stat.st_mode) && entry->path[0] == '\0';
}

static void hash_entry(struct tree_walk *w, const struct walk_entry *entry)
{
	tree_hash_entry(w->hasher, w->request->from, entry);
	if (w->request->times_count && !from_host(w) && !entry->first &&
	    !is_named_folder(entry))
		hasher_add_u64(w->hasher, (uint64_t)kept_time(w, &entry->stat));
}

/* For `why`: what was just walked; `content` of a file that was read, else NULL. */
static void list_entry(const struct tree_walk *w, const struct walk_entry *entry,
		       const struct file_content *content)
{
	const char *text = entry->first ? entry->first : entry->link;
	struct tree_item item = {.type = tree_hash_letter(entry)};
	struct digest d;

	if (!w->request->list)
		return;
	/* The named folder's own mode is not copied from a stage. */
	if (from_host(w) || !is_named_folder(entry))
		item.mode = (uint32_t)tree_hash_mode(w->request->from, &entry->stat);
	if (content) {
		item.size = content->size;
		item.digest = tree_list_digest(&content->blocks);
	} else if (text) {
		d = digest_bytes(DIGEST_XXH3, w->request->secret, text, strlen(text));
		item.digest = tree_list_digest(&d);
	}
	tree_list_add(w->request->list, w->source, entry->path, &item);
}

struct err *tree_walk_reopen(int fd, int *out)
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
	struct file_content content;

	if (w->visitor)
		TRY(w->visitor->file(w->context, entry, &out));
	TRY(content_read(&w->reader, in, out, &content));
	hash_entry(w, entry);
	tree_hash_content(w->hasher, &content);
	list_entry(w, entry, &content);
	return w->visitor ? w->visitor->finish(w->context, entry, out) : NULL;
}

static struct err *copy_other(struct tree_walk *w, const struct walk_entry *entry)
{
	hash_entry(w, entry);
	list_entry(w, entry, NULL);
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
	TRY(tree_walk_reopen(fd, &in));
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
	if (level->depth > TREE_DEPTH_MAX)
		return err_new(ERR_SYS, "folders are nested more than %d deep",
			       TREE_DEPTH_MAX);
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
	CLEANUP(hasher_freep) struct hasher *within = tree_hasher_new(w->request);
	CLEANUP(closep) int own = -1;
	struct hasher *around = w->hasher;
	struct digest entries;
	struct err *e = NULL;
	struct level level = {.up = up,
			      .device = entry->stat.st_dev,
			      .inode = entry->stat.st_ino,
			      .depth = up ? up->depth + 1 : 0};

	TRY(check_folder(w, &level));
	TRY(fs_open(fd, ".", O_RDONLY | O_DIRECTORY, 0, &own));
	level.fd = own;
	TRY(tree_names(own, &names));
	list_entry(w, entry, NULL);
	if (w->visitor)
		TRY(w->visitor->enter(w->context, entry));
	w->hasher = within;
	for (size_t i = 0; i < names.len && !e; i++)
		e = walk_child(w, &level, entry->path, names.items[i]);
	w->hasher = around;
	TRY(e);
	hash_entry(w, entry);
	entries = hasher_final(within);
	tree_hash_folder(w->hasher, &entries);
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
		.hasher = tree_hasher_new(request),
		.reader = {.request = request},
	};
	hasher_add_str(w->hasher,
		       request->from == COPY_FROM_HOST ? "copy host 2" : "copy stage 2");
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
	content_reader_release(&w->reader);
}
