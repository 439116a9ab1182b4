/* SPDX-License-Identifier: MIT
 * unpack_writer.c - see unpack_writer.h.
 */
#include "engine/tree/unpack_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/path.h"
#include "engine/tree/root_path.h"
#include "engine/tree/tree_xattr.h"
#include "engine/tree/unpack_meta.h"

enum {
	ENTRIES_MAX = 10 * 1000 * 1000,
	DEPTH_MAX = 256, /* folders; removing a tree holds one descriptor for each */
};

/* One entry, taken apart. */
struct item {
	struct archive_entry *entry; /* borrowed */
	char *path;		     /* clean and absolute; "/" is the root */
	char *folder;		     /* all but the last component; "/" for the root */
	const char *name;	     /* last component, in `path` */
	struct entry_meta meta;
};

static void item_release(struct item *item)
{
	free(item->path);
	free(item->folder);
}

static void place_release(struct place *p)
{
	closep(&p->fd);
	free(p->path);
	free(p->real);
	*p = (struct place){.fd = -1};
}

struct err *writer_want_parents(struct writer *w, const char *reason)
{
	log_debug("unpack", "layer is applied onto its parents: %s", reason);
	w->wants_parents = true;
	return err_new(ERR_UNSUPPORTED, "wants its parents: %s", reason);
}

static struct err *fd_path(int fd, char **out)
{
	char link[sizeof("/proc/self/fd/") + 3 * sizeof(int)], text[PATH_MAX];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, text, sizeof(text));
	if (len < 0)
		return err_sys("'%s'", link);
	*out = xstrndup(text, (size_t)len);
	return NULL;
}

/* Where open folder `fd` lies inside the root: "" or "/a/b". */
static struct err *real_path(const struct writer *w, int fd, char **out)
{
	CLEANUP(freep) char *full = NULL;
	size_t root = strlen(w->root_real);

	TRY(fd_path(fd, &full));
	if (strcmp(w->root_real, "/") == 0)
		root = 0;
	if (strncmp(full, w->root_real, root) != 0)
		return err_new(ERR_SYS, "'%s' is not below '%s'", full, w->root_real);
	*out = xstrdup(strcmp(full + root, "/") == 0 ? "" : full + root);
	return NULL;
}

static void note_time(struct writer *w, const char *path, struct timespec mtime)
{
	vec_push(&w->times, ((struct folder_time){xstrdup(path), mtime}));
}

static void note_made(struct writer *w, const char *folder, const char *name)
{
	CLEANUP(freep) char *path = NULL;

	if (w->mode != UNPACK_MERGED)
		return;
	path = xasprintf("%s/%s", folder, name);
	path_set_add_with_parents(&w->made, str_of(path));
}

/* What this layer does in a folder of the layers below must not show in its times. */
static struct err *note_touched(struct writer *w, const struct place *p)
{
	struct stat st;

	if (w->mode != UNPACK_MERGED || !path_set_add(&w->touched, str_of(p->real)))
		return NULL;
	if (fstat(p->fd, &st) != 0)
		return err_sys("'%s'", p->real);
	note_time(w, p->real, st.st_mtim);
	return NULL;
}

struct implied {
	struct writer *w;
	struct timespec mtime;
};

static void implied_made(void *context, const char *path)
{
	struct implied *implied = context;

	note_time(implied->w, path, implied->mtime);
	if (implied->w->mode == UNPACK_MERGED)
		path_set_add_with_parents(&implied->w->made, str_of(path));
}

/* Make the folders that an entry implies; their times are the entry's, so that nothing in
 * the result depends on the clock. */
static struct err *make_implied(struct writer *w, const struct item *item,
				const char *folder)
{
	CLEANUP(freep) char *path = NULL;
	struct implied context = {w, item->meta.mtime};
	struct root_make how = {
		.replace = true, .made = implied_made, .context = &context};

	TRY(root_resolve(w->root_fd, folder, true, &path));
	return root_make_folders(w->root_fd, path, &how);
}

static bool is_missing(const struct err *e)
{
	return e && (err_errno(e) == ENOENT || err_errno(e) == ENOTDIR);
}

/* Open `folder`, making it for `maker` if that is given; else `*fd` may stay -1. */
static struct err *open_folder(struct writer *w, const char *folder,
			       const struct item *maker, int *fd)
{
	struct err *e = path_open(w->root_fd, folder, O_RDONLY | O_DIRECTORY, 0, fd);

	if (!is_missing(e))
		return e;
	err_ignore(e, "a missing folder");
	if (w->mode == UNPACK_ALONE)
		return writer_want_parents(w, "a folder is not in its archive");
	if (!maker)
		return NULL;
	TRY(make_implied(w, maker, folder));
	return path_open(w->root_fd, folder, O_RDONLY | O_DIRECTORY, 0, fd);
}

/*
 * Open the folder of an entry.  If it is missing: `p->fd` stays -1 unless `maker` is
 * given, for whom it is made.  ALONE it must exist without a link on the way: the layers
 * below may hold a link there, which would lead what this layer brings elsewhere.
 */
static struct err *place_open(struct writer *w, const char *folder,
			      const struct item *maker, struct place *p)
{
	place_release(p);
	TRY(open_folder(w, folder, maker, &p->fd));
	if (p->fd < 0)
		return NULL;
	TRY(real_path(w, p->fd, &p->real));
	if (w->mode == UNPACK_ALONE &&
	    strcmp(p->real, strcmp(folder, "/") == 0 ? "" : folder) != 0)
		return writer_want_parents(w, "a link is on an entry's path");
	p->path = xstrdup(folder);
	return note_touched(w, p);
}

/* Most entries follow another one of the same folder.  The cached place cannot go stale:
 * while it is cached, only names inside it are replaced. */
static struct err *open_here(struct writer *w, const struct item *item, bool make)
{
	if (w->here.fd >= 0 && strcmp(w->here.path, item->folder) == 0)
		return NULL;
	return place_open(w, item->folder, make ? item : NULL, &w->here);
}

static struct err *check_space(struct writer *w, const struct unpack_piece *piece)
{
	w->result.bytes += piece->size;
	if (w->result.bytes > w->bytes_max)
		return err_new(ERR_CORRUPT, "layer unpacks to more than %llu bytes",
			       (unsigned long long)w->bytes_max);
	return NULL;
}

static struct err *write_data(struct writer *w, struct unpack_stream *stream, int fd,
			      int64_t size)
{
	struct unpack_piece piece;
	uint64_t end = 0;

	for (;;) {
		TRY(unpack_stream_piece(stream, &piece));
		if (piece.size == 0)
			break;
		TRY(check_space(w, &piece));
		TRY(fs_pwrite_all(fd, piece.data, piece.size, piece.offset));
		end = piece.offset + piece.size;
	}
	/* A sparse file may end in a hole. */
	if (size > 0 && (uint64_t)size > end && ftruncate(fd, (off_t)size) != 0)
		return err_sys("set size");
	return NULL;
}

static struct err *apply_file(struct writer *w, struct unpack_stream *stream,
			      const struct item *item)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
	CLEANUP(closep) int fd = -1;
	struct err *e = fs_open(w->here.fd, item->name, flags, 0600, &fd);

	if (e && err_code(e) == ERR_EXISTS) {
		err_ignore(e, "replaced");
		TRY(fs_remove_tree(w->here.fd, item->name));
		e = fs_open(w->here.fd, item->name, flags, 0600, &fd);
	}
	TRY(e);
	TRY(write_data(w, stream, fd, archive_entry_size(item->entry)));
	return entry_meta_apply(&item->meta, fd, &w->result);
}

static struct err *make_folder(const struct writer *w, const struct item *item,
			       bool *existed, bool *replaced)
{
	struct stat st;

	*existed = *replaced = false;
	if (mkdirat(w->here.fd, item->name, 0700) == 0)
		return NULL;
	if (errno != EEXIST)
		return err_sys("make folder");
	if (fstatat(w->here.fd, item->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return err_sys("make folder");
	*existed = S_ISDIR(st.st_mode);
	if (*existed)
		return NULL;
	*replaced = true;
	TRY(fs_remove_tree(w->here.fd, item->name));
	if (mkdirat(w->here.fd, item->name, 0700) != 0)
		return err_sys("make folder");
	return NULL;
}

static struct err *apply_folder(struct writer *w, const struct item *item)
{
	CLEANUP(closep) int fd = -1;
	CLEANUP(freep) char *path = xasprintf("%s/%s", w->here.real, item->name);
	bool existed, replaced;

	TRY(make_folder(w, item, &existed, &replaced));
	TRY(writer_open_folder(w->here.fd, item->name, &fd));
	if (existed)
		TRY(tree_xattr_clear(fd));
	if (replaced)
		TRY(writer_hide_below(w, fd));
	note_time(w, path, item->meta.mtime);
	return entry_meta_apply(&item->meta, fd, &w->result);
}

static struct err *apply_root(struct writer *w, const struct item *item)
{
	if (archive_entry_filetype(item->entry) != AE_IFDIR ||
	    archive_entry_hardlink(item->entry))
		return err_new(ERR_CORRUPT, "the root is not a folder");
	w->result.has_root = true;
	TRY(tree_xattr_clear(w->root_fd));
	note_time(w, "", item->meta.mtime);
	return entry_meta_apply(&item->meta, w->root_fd, &w->result);
}

static int make_node(const struct writer *w, const struct item *item)
{
	mode_t type = archive_entry_filetype(item->entry);

	if (type == AE_IFLNK)
		return symlinkat(archive_entry_symlink(item->entry), w->here.fd,
				 item->name);
	return mknodat(w->here.fd, item->name, type | 0600,
		       archive_entry_rdev(item->entry));
}

static struct err *apply_node(struct writer *w, const struct item *item)
{
	mode_t type = archive_entry_filetype(item->entry);
	bool is_device = type == AE_IFCHR || type == AE_IFBLK;
	int status;

	/* A 0:0 device would be a whiteout of overlayfs, and of no layer format. */
	if (type == AE_IFCHR && archive_entry_rdev(item->entry) == 0) {
		w->result.skipped++;
		return NULL;
	}
	status = make_node(w, item);
	if (status != 0 && errno == EEXIST) {
		TRY(fs_remove_tree(w->here.fd, item->name));
		status = make_node(w, item);
	}
	/* In a user namespace no device can be made: mknod(2).  The container binds the
	 * usual ones. */
	if (status != 0 && errno == EPERM && is_device) {
		w->result.skipped++;
		return NULL;
	}
	if (status != 0)
		return err_sys("make");
	return entry_meta_apply_at(&item->meta, w->here.fd, item->name, &w->result);
}

static struct err *check_link_text(const struct item *item)
{
	const char *text = archive_entry_symlink(item->entry);

	if (!text || text[0] == '\0' || strlen(text) >= PATH_MAX)
		return err_new(ERR_CORRUPT, "symbolic link without a target, or with one "
					    "that is too long");
	return NULL;
}

/* What a hard link points at: an open folder and a name in it, or nothing (fd -1). */
struct link_target {
	struct place place;
	const char *name; /* in the path that was looked up */
};

static struct err *find_target(struct writer *w, const char *path, struct link_target *t)
{
	CLEANUP(freep) char *folder = NULL;
	struct stat st;

	t->name = path_base(path);
	folder = xstrndup(path, (size_t)(t->name - path));
	if (folder[1] != '\0')
		folder[strlen(folder) - 1] = '\0';
	TRY(place_open(w, folder, NULL, &t->place));
	if (t->place.fd < 0)
		return NULL;
	if (fstatat(t->place.fd, t->name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno != ENOENT)
			return err_sys("hard link target '%s'", path);
		closep(&t->place.fd);
		t->place.fd = -1;
		return NULL;
	}
	if (S_ISDIR(st.st_mode))
		return err_new(ERR_CORRUPT, "hard link to the folder '%s'", path);
	return NULL;
}

static bool is_same_file(int a_fd, const char *a, int b_fd, const char *b)
{
	struct stat sa, sb;

	return fstatat(a_fd, a, &sa, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstatat(b_fd, b, &sb, AT_SYMLINK_NOFOLLOW) == 0 &&
	       sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

/* Link `name` in the present folder to what is at `target`; `*found` false, and nothing
 * done, if nothing is there. */
static struct err *make_link(struct writer *w, const char *name, const char *target,
			     bool *found)
{
	CLEANUP(place_release) struct place place = {.fd = -1};
	struct link_target t = {.place = {.fd = -1}};
	struct err *e = find_target(w, target, &t);

	place = t.place;
	TRY(e);
	*found = place.fd >= 0;
	if (!*found)
		return NULL;
	if (linkat(place.fd, t.name, w->here.fd, name, 0) == 0)
		return NULL;
	if (errno != EEXIST)
		return err_sys("hard link to '%s'", target);
	if (is_same_file(place.fd, t.name, w->here.fd, name))
		return NULL;
	TRY(fs_remove_tree(w->here.fd, name));
	if (linkat(place.fd, t.name, w->here.fd, name, 0) != 0)
		return err_sys("hard link to '%s'", target);
	return NULL;
}

static struct err *apply_hard_link(struct writer *w, const struct item *item)
{
	CLEANUP(freep) char *target = path_clean(archive_entry_hardlink(item->entry));
	bool found;

	if (strcmp(target, item->path) == 0 || strcmp(target, "/") == 0)
		return err_new(ERR_CORRUPT, "hard link to itself");
	TRY(make_link(w, item->name, target, &found));
	if (found)
		return NULL;
	if (w->mode == UNPACK_ALONE)
		return writer_want_parents(w, "a hard link to a file of a lower layer");
	vec_push(&w->late_links,
		 ((struct late_link){xstrdup(item->path), STEAL(target)}));
	return NULL;
}

static struct err *apply_item(struct writer *w, struct unpack_stream *stream,
			      const struct item *item)
{
	if (archive_entry_hardlink(item->entry))
		return apply_hard_link(w, item);
	switch (archive_entry_filetype(item->entry)) {
	case AE_IFREG:
		return apply_file(w, stream, item);
	case AE_IFDIR:
		return apply_folder(w, item);
	case AE_IFLNK:
		TRY(check_link_text(item));
		return apply_node(w, item);
	case AE_IFCHR:
	case AE_IFBLK:
	case AE_IFIFO:
		return apply_node(w, item);
	default:
		return err_new(ERR_CORRUPT, "unknown kind of entry");
	}
}

static struct err *item_init(struct item *item, struct archive_entry *entry)
{
	const char *name = archive_entry_pathname(entry);
	unsigned depth = 0;

	if (!name)
		return err_new(ERR_CORRUPT, "entry without a name");
	item->entry = entry;
	item->path = path_clean(name);
	item->name = path_base(item->path);
	item->folder = xstrndup(item->path, (size_t)(item->name - item->path));
	if (item->folder[1] != '\0')
		item->folder[strlen(item->folder) - 1] = '\0';
	for (const char *p = item->path; *p; p++)
		depth += *p == '/';
	if (depth > DEPTH_MAX || strlen(item->path) >= PATH_MAX)
		return err_new(ERR_CORRUPT, "path too long or too deep");
	return entry_meta_read(entry, &item->meta);
}

/* Errors that a sound archive cannot cause. */
static struct err *blame_archive(struct err *e)
{
	int number = e ? err_errno(e) : 0;

	if (number == ENAMETOOLONG || number == ELOOP || number == ENOTDIR ||
	    number == ENOENT || number == EISDIR || number == EFBIG)
		return err_recode(e, ERR_CORRUPT);
	return e;
}

static struct err *apply_mark(struct writer *w, const struct item *item)
{
	if (w->mode == UNPACK_FIRST)
		return NULL;
	TRY(open_here(w, item, false));
	/* Nothing can be hidden in a folder that does not exist. */
	return w->here.fd < 0 ? NULL : writer_mark(w, &w->here, item->name);
}

static struct err *apply_entry(struct writer *w, struct unpack_stream *stream,
			       struct archive_entry *entry)
{
	CLEANUP(item_release) struct item item = {0};

	TRY(item_init(&item, entry));
	assert(item.name);
	if (item.name[0] == '\0')
		return apply_root(w, &item);
	if (str_starts_with(str_of(item.name), ".wh."))
		return apply_mark(w, &item);
	TRY(open_here(w, &item, true));
	TRY(apply_item(w, stream, &item));
	note_made(w, w->here.real, item.name);
	return NULL;
}

struct err *writer_apply(struct writer *w, struct unpack_stream *stream,
			 struct archive_entry *entry)
{
	const char *name = archive_entry_pathname(entry);

	if (++w->result.entries > ENTRIES_MAX)
		return err_new(ERR_CORRUPT, "layer has more than %d entries",
			       ENTRIES_MAX);
	return err_wrap(blame_archive(apply_entry(w, stream, entry)), "entry '%s'",
			name ? name : "");
}

static struct err *finish_link(struct writer *w, const struct late_link *link)
{
	struct item item = {.path = link->path, .name = path_base(link->path)};
	CLEANUP(freep)
	char *folder = xstrndup(link->path, (size_t)(item.name - link->path));
	bool found;

	item.folder = folder;
	TRY(open_here(w, &item, true));
	TRY(make_link(w, item.name, link->target, &found));
	if (!found)
		return err_new(ERR_CORRUPT, "hard link to '%s', which does not exist",
			       link->target);
	note_made(w, w->here.real, item.name);
	return NULL;
}

/* A folder that was replaced since has no times to set. */
static struct err *finish_time(const struct writer *w, const struct folder_time *t)
{
	CLEANUP(closep) int fd = -1;
	struct err *e = path_open(w->root_fd, t->path,
				  O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &fd);

	if (is_missing(e) || (e && err_errno(e) == ELOOP)) {
		err_ignore(e, "the folder is gone");
		return NULL;
	}
	TRY(e);
	if (futimens(fd, (struct timespec[]){t->mtime, t->mtime}) != 0)
		return err_sys("set times of '%s'", t->path);
	return NULL;
}

/* The first layer's root, when the archive says nothing about it. */
static struct err *default_root(const struct writer *w)
{
	struct timespec epoch[2] = {{0}, {0}};

	if (fchown(w->root_fd, 0, 0) != 0 || fchmod(w->root_fd, 0755) != 0 ||
	    futimens(w->root_fd, epoch) != 0)
		return err_sys("root folder");
	return NULL;
}

struct err *writer_finish(struct writer *w)
{
	for (size_t i = 0; i < w->late_links.len; i++)
		TRY(err_wrap(blame_archive(finish_link(w, &w->late_links.items[i])),
			     "entry '%s'", w->late_links.items[i].path));
	for (size_t i = 0; i < w->times.len; i++)
		TRY(finish_time(w, &w->times.items[i]));
	if (w->mode == UNPACK_FIRST && !w->result.has_root)
		return default_root(w);
	return NULL;
}

struct err *writer_init(struct writer *w, int root_fd, enum unpack_mode mode,
			uint64_t bytes_max)
{
	*w = (struct writer){
		.mode = mode, .root_fd = root_fd, .bytes_max = bytes_max, .here.fd = -1};
	return fd_path(root_fd, &w->root_real);
}

void writer_release(struct writer *w)
{
	place_release(&w->here);
	for (size_t i = 0; i < w->times.len; i++)
		free(w->times.items[i].path);
	for (size_t i = 0; i < w->late_links.len; i++) {
		free(w->late_links.items[i].path);
		free(w->late_links.items[i].target);
	}
	vec_free(&w->times);
	vec_free(&w->late_links);
	path_set_release(&w->made);
	path_set_release(&w->touched);
	free(w->root_real);
}
