/* SPDX-License-Identifier: MIT
 * tree_walk.c - see tree_walk.h; what is hashed, and how, is in tree_hash.h.
 */
#include "engine/tree/tree_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/path.h"
#include "base/xattr_rules.h"
#include "engine/tree/tree_hash.h"
#include "engine/tree/tree_list.h"

/* The innermost folder's; at the top, the walk's own. */
static struct hasher *hasher_here(const struct tree_walk *w)
{
	return w->levels.len > 0 ? w->levels.items[w->levels.len - 1].hasher : w->hasher;
}

static uint32_t node_here(const struct tree_walk *w)
{
	return w->levels.len > 0 ? w->levels.items[w->levels.len - 1].node : 0;
}

/* The path under which the file of `st` was met before, for free(); NULL if it was not,
 * and then it is noted. */
static struct err *seen_before(struct tree_walk *w, const struct walk_entry *entry,
			       char **path)
{
	size_t node = inode_set_meet(&w->seen, &entry->stat, w->names.nodes.len + 1);
	uint32_t noted;

	*path = node > 0 ? name_tree_path(&w->names, (uint32_t)node) : NULL;
	return node > 0 ? NULL
			: name_tree_add(&w->names, node_here(w), entry->name, &noted);
}

static bool from_host(const struct tree_walk *w)
{
	return w->rules->from == COPY_FROM_HOST;
}

/* The time that the image will have: packing clamps times. */
static int64_t kept_time(const struct tree_walk *w, const struct stat *st)
{
	return st->st_mtim.tv_sec < w->rules->clamp_s ? st->st_mtim.tv_sec
						      : w->rules->clamp_s;
}

static void hash_entry(struct tree_walk *w, const struct walk_entry *entry)
{
	struct hasher *h = hasher_here(w);

	tree_hash_entry(h, w->rules->from, entry);
	if (w->rules->times_count && !from_host(w) && !entry->first &&
	    !tree_hash_is_bare(w->rules->from, entry))
		hasher_add_u64(h, (uint64_t)kept_time(w, &entry->stat));
}

/* For `why`: list what was just walked; `content` is that of a file that was read, else
 * NULL. */
static void list_entry(const struct tree_walk *w, const struct walk_entry *entry,
		       const struct content *content)
{
	const char *text = entry->first ? entry->first : entry->link;
	struct tree_item item = {.type = tree_hash_letter(entry)};

	if (!w->rules->list)
		return;
	/* The named folder's own mode is not copied from a stage. */
	if (!tree_hash_is_bare(w->rules->from, entry))
		item.mode = (uint32_t)tree_hash_mode(w->rules->from, &entry->stat);
	if (content) {
		item.size = content->size;
		item.digest = tree_list_digest(w->rules->list, content->blocks.bytes,
					       sizeof(content->blocks.bytes));
	} else if (text) {
		item.digest = tree_list_digest(w->rules->list, text, strlen(text));
	}
	tree_list_add(w->rules->list, w->source, entry->path, &item);
}

struct err *tree_walk_reopen(int fd, int *out)
{
	char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return fs_open(AT_FDCWD, path, O_RDONLY | O_NOCTTY | O_NONBLOCK, 0, out);
}

/* `value` stays NULL when there is none. */
static struct err *read_xattr(const char *path, const char *name, struct walk_xattr *out)
{
	ssize_t size = getxattr(path, name, NULL, 0), got;

	if (size <= 0)
		return size == 0 || errno == ENODATA || errno == EOPNOTSUPP
			       ? NULL
			       : err_sys("xattr '%s'", name);
	out->value = xmalloc((size_t)size);
	got = getxattr(path, name, out->value, (size_t)size);
	if (got < 0)
		return err_sys("xattr '%s'", name);
	out->size = (size_t)got;
	return NULL;
}

static struct err *read_xattrs(int fd, struct walk_xattr *out)
{
	char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
	const char *name;

	/* fgetxattr(2) takes no O_PATH. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	for (size_t i = 0; (name = xattr_copied(i)) != NULL; i++) {
		assert(i < WALK_XATTRS_MAX);
		TRY(read_xattr(path, name, &out[i]));
	}
	return NULL;
}

/* What `in` holds; written to `out` unless that is -1. */
static struct err *read_file(struct tree_walk *w, int fd, int out,
			     const struct walk_entry *entry, struct content *content)
{
	CLEANUP(closep) int in = -1;

	if (out < 0 && w->rules->from != COPY_FROM_STAGE &&
	    file_content_find(w->files, &entry->stat, content))
		return NULL;
	TRY(tree_walk_reopen(fd, &in));
	return file_content_read(w->files, &w->reader, in, out, content);
}

static struct err *copy_file(struct tree_walk *w, int fd, const struct walk_entry *entry)
{
	CLEANUP(closep) int out = -1;
	struct content content;

	TRY(size_limit_add(&w->limit, (uint64_t)entry->stat.st_size));
	if (w->visitor)
		TRY(w->visitor->file(w->context, entry, &out));
	TRY(read_file(w, fd, out, entry, &content));
	hash_entry(w, entry);
	content_add(hasher_here(w), &content);
	list_entry(w, entry, &content);
	return w->visitor ? w->visitor->finish(w->context, entry, out) : NULL;
}

static struct err *copy_other(struct tree_walk *w, const struct walk_entry *entry)
{
	hash_entry(w, entry);
	list_entry(w, entry, NULL);
	return w->visitor ? w->visitor->other(w->context, entry) : NULL;
}

struct walk_xattrs {
	struct walk_xattr items[WALK_XATTRS_MAX];
};

static void walk_xattrs_release(struct walk_xattrs *x)
{
	for (size_t i = 0; i < ARRAY_LEN(x->items); i++)
		free(x->items[i].value);
}

static struct err *walk_file(struct tree_walk *w, int fd, const struct walk_entry *entry)
{
	CLEANUP(walk_xattrs_release) struct walk_xattrs xattrs = {0};
	CLEANUP(freep) char *first = NULL;
	struct walk_entry file = *entry;

	if (from_host(w))
		return copy_file(w, fd, &file);
	if (file.stat.st_nlink > 1)
		TRY(seen_before(w, &file, &first));
	file.first = first;
	if (file.first)
		return copy_other(w, &file);
	TRY(read_xattrs(fd, xattrs.items));
	file.xattrs = xattrs.items;
	return copy_file(w, fd, &file);
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

/* ---- folders ---- */

static struct err *check_folder(const struct tree_walk *w, const struct stat *st)
{
	if (w->levels.len > TREE_DEPTH_MAX)
		return err_new(ERR_SYS, "folders are nested more than %d deep",
			       TREE_DEPTH_MAX);
	if (w->visitor && st->st_dev == w->avoid.st_dev && st->st_ino == w->avoid.st_ino)
		return err_new(ERR_SYS, "the source holds the image's own root folder");
	for (size_t i = 0; i < w->levels.len; i++)
		if (w->levels.items[i].stat.st_dev == st->st_dev &&
		    w->levels.items[i].stat.st_ino == st->st_ino)
			return err_new(ERR_SYS, "a link leads back to a folder above it");
	return NULL;
}

static struct err *push_level(struct tree_walk *w, const struct walk_entry *entry)
{
	struct walk_level level = {.stat = entry->stat};

	/* The source's own name is not part of paths below it. */
	if (w->levels.len > 0)
		TRY(name_tree_add(&w->names, node_here(w), entry->name, &level.node));
	level.hasher = tree_hasher_new();
	vec_push(&w->levels, level);
	return NULL;
}

static struct err *enter_folder(struct tree_walk *w, int fd,
				const struct walk_entry *entry)
{
	int own = -1;

	TRY(check_folder(w, &entry->stat));
	TRY(fs_open(fd, ".", O_RDONLY | O_DIRECTORY, 0, &own));
	TRY(folder_walk_push(&w->folders, own, entry->name));
	TRY(push_level(w, entry));
	list_entry(w, entry, NULL);
	return w->visitor ? w->visitor->enter(w->context, entry) : NULL;
}

static void drop_level(struct tree_walk *w)
{
	struct walk_level *level = &w->levels.items[--w->levels.len];

	hasher_free(level->hasher);
	name_tree_drop_if_last(&w->names, level->node);
}

static struct err *leave_folder(struct tree_walk *w)
{
	const struct walk_level *level = &w->levels.items[w->levels.len - 1];
	const char *path = folder_walk_path(&w->folders);
	struct walk_entry entry = {.path = path,
				   .name = path[0] ? path_base(path) : w->name,
				   .stat = level->stat};

	w->entries = hasher_final(level->hasher);
	drop_level(w);
	hash_entry(w, &entry);
	tree_hash_folder(hasher_here(w), &w->entries);
	if (w->visitor)
		TRY(w->visitor->leave(w->context, &entry));
	return folder_walk_leave(&w->folders);
}

static struct err *walk_entry(struct tree_walk *w, int fd, const struct walk_entry *entry)
{
	if (w->files->cancel)
		TRY(cancel_check(w->files->cancel));
	switch (entry->stat.st_mode & S_IFMT) {
	case S_IFREG:
		return walk_file(w, fd, entry);
	case S_IFDIR:
		return enter_folder(w, fd, entry);
	case S_IFLNK:
		return walk_link(w, fd, entry);
	default:
		return copy_other(w, entry);
	}
}

static struct err *walk_child(struct tree_walk *w, const char *path, const char *name)
{
	const int flags = O_PATH | (from_host(w) ? 0 : O_NOFOLLOW);
	struct walk_entry entry = {.path = path, .name = name};
	CLEANUP(closep) int fd = -1;

	TRY(fs_open(folder_walk_fd(&w->folders), name, flags, 0, &fd));
	if (fstat(fd, &entry.stat) != 0)
		return err_sys("stat");
	return walk_entry(w, fd, &entry);
}

static struct err *walk_next(struct tree_walk *w)
{
	CLEANUP(freep) char *path = NULL;
	const char *name;
	struct err *e;

	TRY(folder_walk_next(&w->folders, &name));
	if (!name)
		return leave_folder(w);
	path = folder_walk_path_of(&w->folders, name);
	e = walk_child(w, path, path_base(path));
	if (e && err_code(e) != ERR_CANCELLED && !err_cause(e))
		e = err_wrap(e, "'%s'", path);
	return e;
}

/* ---- the walk ---- */

void tree_walk_init(struct tree_walk *w, const struct walk_rules *rules,
		    const struct file_reading *files)
{
	static const char *const kinds[] = {
		[COPY_FROM_HOST] = "copy host 2",
		[COPY_FROM_STAGE] = "copy stage 2",
		[COPY_FROM_FOLDER] = "copy folder",
	};
	TABLE_HAS_ALL(kinds, COPY_FROMS);

	*w = (struct tree_walk){
		.rules = rules,
		.files = files,
		.hasher = tree_hasher_new(),
		.reader = file_content_reader(files, false),
		.limit = {.max = files->max_file},
		.folders = {.stop = cancel_stop(files->cancel)},
		.seen = INODE_SET_INIT,
	};
	hasher_add_str(w->hasher, kinds[rules->from]);
}

struct err *tree_walk_open(enum copy_from from, int dir_fd, const char *path, int *fd,
			   struct stat *st)
{
	if (from == COPY_FROM_HOST)
		TRY(fs_open(dir_fd, path, O_PATH, 0, fd));
	else
		TRY(path_open(dir_fd, path, O_PATH, 0, fd));
	if (fstat(*fd, st) != 0)
		return err_sys("'%s'", path);
	return NULL;
}

struct err *tree_walk_source(struct tree_walk *w, int fd, const char *name)
{
	struct walk_entry entry = {.path = "", .name = name};

	w->name = name;
	inode_set_release(&w->seen);
	name_tree_clear(&w->names);
	if (fstat(fd, &entry.stat) != 0)
		return err_sys("'%s'", name);
	TRY(walk_entry(w, fd, &entry));
	while (w->levels.len > 0)
		TRY(walk_next(w));
	return NULL;
}

void tree_walk_release(struct tree_walk *w)
{
	while (w->levels.len > 0)
		drop_level(w);
	vec_free(&w->levels);
	folder_walk_release(&w->folders);
	inode_set_release(&w->seen);
	name_tree_release(&w->names);
	hasher_free(w->hasher);
	content_reader_release(&w->reader);
}
