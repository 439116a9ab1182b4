/* SPDX-License-Identifier: MIT
 * unpack_writer.c - see unpack_writer.h.
 */
#include "engine/unpack/unpack_writer.h"

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
#include "engine/tree/tree_xattr.h"
#include "engine/unpack/unpack_meta.h"

enum { ENTRIES_MAX = 10 * 1000 * 1000 };

/* One entry, split into its parts. */
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

static void note_made_here(struct unpack_writer *w, const char *name)
{
	CLEANUP(freep) char *path = NULL;

	if (w->mode != UNPACK_MERGED)
		return;
	path = xasprintf("%s/%s", w->here.real, name);
	writer_note_made(w, path);
}

/* Most entries follow another one of the same folder.  The cached place cannot go stale:
 * while it is cached, only names inside it are replaced. */
static struct err *open_here(struct unpack_writer *w, const struct item *item, bool make)
{
	if (w->here.fd >= 0 && strcmp(w->here.path, item->folder) == 0)
		return NULL;
	return place_open(w, item->folder, make ? &item->meta.mtime : NULL, &w->here);
}

static struct err *check_space(struct unpack_writer *w, const struct unpack_piece *piece)
{
	w->result.bytes += piece->size;
	if (w->result.bytes > w->bytes_max)
		return err_new(ERR_CORRUPT, "layer unpacks to more than %llu bytes",
			       (unsigned long long)w->bytes_max);
	return NULL;
}

static struct err *write_data(struct unpack_writer *w, const struct unpack_entries *from,
			      int fd, uint64_t size)
{
	struct unpack_piece piece;
	uint64_t end = 0;

	for (;;) {
		TRY(from->piece(from->self, &piece));
		if (piece.size == 0)
			break;
		/* The map of a sparse file may say anything. */
		if (piece.offset > size || piece.size > size - piece.offset)
			return err_new(ERR_CORRUPT, "data beyond the end of the file");
		TRY(check_space(w, &piece));
		TRY(fs_pwrite_all(fd, piece.data, piece.size, piece.offset));
		end = piece.offset + piece.size;
	}
	/* A sparse file may end in a hole. */
	if (size > end && ftruncate(fd, (off_t)size) != 0)
		return err_sys("set size");
	return NULL;
}

/* Checked before anything is made: a size is 12 bytes of an archive. */
static struct err *check_size(struct unpack_writer *w, int64_t size)
{
	if (size < 0)
		return err_new(ERR_CORRUPT, "negative size");
	return err_recode(size_limit_add(&w->limit, (uint64_t)size), ERR_CORRUPT);
}

static struct err *apply_file(struct unpack_writer *w, const struct unpack_entries *from,
			      const struct item *item)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
	int64_t size = archive_entry_size(item->entry);
	CLEANUP(closep) int fd = -1;
	struct err *e;

	TRY(check_size(w, size));
	e = fs_open(w->here.fd, item->name, flags, 0600, &fd);
	if (e && err_code(e) == ERR_EXISTS) {
		err_ignore(e, "replaced");
		TRY(fs_remove_tree(w->here.fd, item->name));
		e = fs_open(w->here.fd, item->name, flags, 0600, &fd);
	}
	TRY(e);
	TRY(write_data(w, from, fd, (uint64_t)size));
	return entry_meta_apply(&item->meta, fd, &w->result);
}

static struct err *make_folder(const struct unpack_writer *w, const struct item *item,
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

static struct err *apply_folder(struct unpack_writer *w, const struct item *item)
{
	CLEANUP(closep) int fd = -1;
	bool existed, replaced;

	TRY(make_folder(w, item, &existed, &replaced));
	TRY(writer_open_folder(w->here.fd, item->name, &fd));
	if (existed)
		TRY(tree_xattr_clear(fd));
	if (replaced)
		TRY(writer_hide_below(w, fd));
	return entry_meta_apply(&item->meta, fd, &w->result);
}

static struct err *apply_root(struct unpack_writer *w, const struct item *item)
{
	if (archive_entry_filetype(item->entry) != AE_IFDIR ||
	    archive_entry_hardlink(item->entry))
		return err_new(ERR_CORRUPT, "the root is not a folder");
	w->result.has_root = true;
	/* The place must not restore the root's old time later. */
	TRY(place_leave(&w->here));
	TRY(tree_xattr_clear(w->root_fd));
	return entry_meta_apply(&item->meta, w->root_fd, &w->result);
}

static int make_node(const struct unpack_writer *w, const struct item *item)
{
	mode_t type = archive_entry_filetype(item->entry);

	if (type == AE_IFLNK)
		return symlinkat(archive_entry_symlink(item->entry), w->here.fd,
				 item->name);
	return mknodat(w->here.fd, item->name, type | 0600,
		       archive_entry_rdev(item->entry));
}

static struct err *apply_node(struct unpack_writer *w, const struct item *item)
{
	mode_t type = archive_entry_filetype(item->entry);
	bool is_device = type == AE_IFCHR || type == AE_IFBLK;
	int status;

	/* A 0:0 device would be a whiteout to overlayfs, but is not one in any layer
	 * format. */
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
	if (status != 0 && errno == EINVAL && is_device)
		return err_new(ERR_CORRUPT, "no device has such a number");
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

static struct err *apply_item(struct unpack_writer *w, const struct unpack_entries *from,
			      const struct item *item)
{
	if (archive_entry_hardlink(item->entry))
		return writer_link(w, item->path, archive_entry_hardlink(item->entry));
	switch (archive_entry_filetype(item->entry)) {
	case AE_IFREG:
		return apply_file(w, from, item);
	case AE_IFDIR:
		return apply_folder(w, item);
	case AE_IFLNK:
		TRY(check_link_text(item));
		return apply_node(w, item);
	case AE_IFCHR:
	case AE_IFBLK:
	case AE_IFIFO:
	case AE_IFSOCK:
		return apply_node(w, item);
	default:
		return err_new(ERR_CORRUPT, "unknown kind of entry");
	}
}

static struct err *item_init(struct item *item, struct archive_entry *entry)
{
	const char *name = archive_entry_pathname(entry);

	if (!name)
		return err_new(ERR_CORRUPT, "entry without a name");
	item->entry = entry;
	item->path = path_clean(name);
	item->name = path_base(item->path);
	item->folder = xstrndup(item->path, (size_t)(item->name - item->path));
	if (item->folder[1] != '\0')
		item->folder[strlen(item->folder) - 1] = '\0';
	if (strlen(item->path) >= PATH_MAX)
		return err_new(ERR_CORRUPT, "path too long");
	return entry_meta_read(entry, &item->meta);
}

static struct err *apply_mark(struct unpack_writer *w, const struct item *item)
{
	if (w->mode == UNPACK_FIRST)
		return NULL;
	TRY(open_here(w, item, false));
	/* Nothing can be hidden in a folder that does not exist. */
	return w->here.fd < 0 ? NULL : writer_mark(w, &w->here, item->name);
}

static struct err *apply_entry(struct unpack_writer *w, const struct unpack_entries *from,
			       struct archive_entry *entry)
{
	CLEANUP(item_release) struct item item = {0};

	TRY(item_init(&item, entry));
	assert(item.name);
	if (item.name[0] == '\0')
		return apply_root(w, &item);
	if (w->mode != UNPACK_IMAGE && str_starts_with(str_of(item.name), ".wh."))
		return apply_mark(w, &item);
	TRY(open_here(w, &item, true));
	TRY(apply_item(w, from, &item));
	note_made_here(w, item.name);
	return NULL;
}

struct err *writer_apply(struct unpack_writer *w, const struct unpack_entries *from,
			 struct archive_entry *entry)
{
	const char *name = archive_entry_pathname(entry);

	if (++w->result.entries > ENTRIES_MAX)
		return err_new(ERR_CORRUPT, "layer has more than %d entries",
			       ENTRIES_MAX);
	if (path_set_is_full(&w->made))
		return err_new(ERR_CORRUPT, "layer has more than %d names", PATH_SET_MAX);
	return err_wrap(writer_blame_archive(apply_entry(w, from, entry)), "entry '%s'",
			name ? name : "");
}

/* The root of a layer whose archive says nothing about it.  The folder has a mode by the
 * caller's umask, the group and the set-group-id bit of the folder that it lies in, and a
 * time by the clock.  None of these may show. */
static struct err *default_root(const struct unpack_writer *w)
{
	struct timespec epoch[2] = {{0}, {0}};

	if (fchown(w->root_fd, 0, 0) != 0 || fchmod(w->root_fd, 0755) != 0 ||
	    futimens(w->root_fd, epoch) != 0)
		return err_sys("root folder");
	return NULL;
}

struct err *writer_finish(struct unpack_writer *w)
{
	TRY(writer_finish_links(w));
	TRY(place_leave(&w->here));
	/* Folders that entries imply have changed its time. */
	if ((w->mode == UNPACK_FIRST || w->mode == UNPACK_IMAGE) && !w->result.has_root)
		return default_root(w);
	return NULL;
}

/* The root is set before anything is made in it, which would inherit from it. */
struct err *writer_init(struct unpack_writer *w, int root_fd, enum unpack_mode mode,
			const struct unpack_limits *limits)
{
	*w = (struct unpack_writer){
		.mode = mode,
		.root_fd = root_fd,
		.bytes_max = limits->max_bytes,
		.limit = {.max = limits->max_file},
		.here.fd = -1,
	};
	return mode == UNPACK_MERGED ? NULL : default_root(w);
}

void writer_release(struct unpack_writer *w)
{
	place_release(&w->here);
	for (size_t i = 0; i < w->late_links.len; i++) {
		free(w->late_links.items[i].path);
		free(w->late_links.items[i].target);
	}
	vec_free(&w->late_links);
	path_set_release(&w->made);
}
