/* SPDX-License-Identifier: MIT
 * squash.c - see squash.h: the walk, and what entries say.
 *
 * Each level of folders has a reader of its own, which holds a few blocks: a folder is
 * never held whole.  What is kept of all files is one name for each file with several,
 * and the numbers of the folders.
 */
#include "engine/unpack/squash.h"

#include <errno.h>
#include <limits.h>
#include <sqfs/compressor.h>
#include <sqfs/dir.h>
#include <sqfs/dir_reader.h>
#include <sqfs/error.h>
#include <sqfs/id_table.h>
#include <sqfs/inode.h>
#include <sqfs/super.h>
#include <sqfs/xattr.h>
#include <sqfs/xattr_reader.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/buf.h"
#include "base/inode_set.h"
#include "base/vec.h"
#include "base/xattr_rules.h"
#include "engine/unpack/squash_data.h"
#include "engine/unpack/squash_file.h"

/* Names of files with several names, all together: 2 million of the usual length. */
static const size_t LINK_NAMES_MAX = MIB(256);
static const uint32_t NO_XATTR = 0xffffffff;
/* Of one file; Linux gives out names of 64 KiB, and values of as much each. */
static const size_t XATTR_BYTES_MAX = MIB(1);

/* A folder that the walk is in. */
struct level {
	sqfs_dir_reader_t *reader;
	size_t path_len; /* of the folder's own path */
};

struct squash {
	sqfs_file_t *file;
	sqfs_super_t super;
	sqfs_compressor_t *compressor;
	sqfs_id_table_t *ids;
	sqfs_xattr_reader_t *xattrs; /* NULL: the image has none */
	sqfs_data_reader_t *tails;
	struct squash_data data;
	VEC(struct level) levels; /* those above `depth` are kept for the next folders */
	size_t depth;
	struct buf path; /* of the present entry; "" is the root */
	sqfs_inode_generic_t *inode;
	bool has_begun;
	struct archive_entry *entry;
	struct inode_set folders, links; /* by number */
	VEC(char *) link_names;		 /* the first name, in the order of `links` */
	size_t link_bytes;
};

bool squash_is_image(const void *data, size_t len)
{
	return len >= 4 && memcmp(data, "hsqs", 4) == 0;
}

/* ---- errors ---- */

/* What libsquashfs has returned, while doing `what`. */
static struct err *failed(const struct squash *s, int code, const char *what)
{
	int number = squash_file_error(s->file);

	if (number != 0) {
		errno = number;
		return err_sys("read the image");
	}
	if (code == SQFS_ERROR_ALLOC) {
		errno = ENOMEM;
		return err_sys("%s", what);
	}
	if (code == SQFS_ERROR_UNSUPPORTED)
		return err_new(ERR_UNSUPPORTED,
			       "%s: the squashfs has a form that libsquashfs cannot read",
			       what);
	return err_new(ERR_CORRUPT, "%s: the squashfs is damaged", what);
}

/* ---- opening ---- */

static struct err *no_compressor(const struct squash *s)
{
	const char *name =
		sqfs_compressor_name_from_id((SQFS_COMPRESSOR)s->super.compression_id);

	return err_new(ERR_UNSUPPORTED,
		       "the squashfs is compressed by '%s', which libsquashfs was built "
		       "without",
		       name ? name : "an unknown program");
}

static struct err *open_compressor(struct squash *s)
{
	sqfs_compressor_config_t config;
	int code = sqfs_compressor_config_init(
		&config, (SQFS_COMPRESSOR)s->super.compression_id, s->super.block_size,
		SQFS_COMP_FLAG_UNCOMPRESS);

	if (code == 0)
		code = sqfs_compressor_create(&config, &s->compressor);
	if (code != 0)
		return no_compressor(s);
	if (s->super.flags & SQFS_FLAG_COMPRESSOR_OPTIONS) {
		code = s->compressor->read_options(s->compressor, s->file);
		if (code != 0)
			return failed(s, code, "options of the compression");
	}
	return NULL;
}

static struct err *open_tables(struct squash *s)
{
	int code = sqfs_id_table_read(s->ids, s->file, &s->super, s->compressor);

	if (code != 0)
		return failed(s, code, "table of owners");
	if (!(s->super.flags & SQFS_FLAG_NO_XATTRS)) {
		s->xattrs = sqfs_xattr_reader_create(0);
		if (!s->xattrs)
			abort(); /* only memory can fail here */
		code = sqfs_xattr_reader_load(s->xattrs, &s->super, s->file,
					      s->compressor);
		if (code != 0)
			return failed(s, code, "extended attributes");
	}
	s->tails =
		sqfs_data_reader_create(s->file, s->super.block_size, s->compressor, 0);
	if (!s->tails)
		abort();
	code = sqfs_data_reader_load_fragment_table(s->tails, &s->super);
	return code == 0 ? NULL : failed(s, code, "table of tail ends");
}

struct err *squash_open(const struct squash_source *source, struct squash **out)
{
	CLEANUP(squash_freep) struct squash *s = NULL;
	int code;

	TRY(archive_lib_load());
	s = xcalloc(1, sizeof(*s));
	s->file = squash_file_new(source);
	s->entry = archive_entry_new();
	s->ids = sqfs_id_table_create(0);
	if (!s->entry || !s->ids)
		abort();
	code = sqfs_super_read(&s->super, s->file);
	/* Each shared block of tail ends takes a byte at least, and the table of them is
	 * held. */
	if (code == 0 && s->super.fragment_entry_count > source->size)
		code = SQFS_ERROR_CORRUPTED;
	if (code != 0)
		return failed(s, code, "its header");
	TRY(open_compressor(s));
	TRY(open_tables(s));
	squash_data_init(&s->data, s->file, s->compressor, s->tails, s->super.block_size);
	*out = STEAL(s);
	return NULL;
}

void squash_free(struct squash *s)
{
	if (!s)
		return;
	squash_data_release(&s->data);
	sqfs_free(s->inode);
	for (size_t i = 0; i < s->levels.len; i++)
		sqfs_destroy(s->levels.items[i].reader);
	vec_free(&s->levels);
	for (size_t i = 0; i < s->link_names.len; i++)
		free(s->link_names.items[i]);
	vec_free(&s->link_names);
	inode_set_release(&s->folders);
	inode_set_release(&s->links);
	buf_release(&s->path);
	archive_entry_free(s->entry);
	sqfs_destroy(s->tails);
	sqfs_destroy(s->xattrs);
	sqfs_destroy(s->ids);
	sqfs_destroy(s->compressor);
	sqfs_destroy(s->file);
	free(s);
}

void squash_freep(struct squash **s)
{
	squash_free(*s);
	*s = NULL;
}

/* ---- what an entry says ---- */

struct squash_kind {
	mode_t type;
	uint32_t n_links;
	uint32_t device;
	const char *text; /* of a symbolic link */
	size_t text_len;
};

static struct squash_kind kind_of(const sqfs_inode_generic_t *inode)
{
	const char *text = (const char *)inode->extra;

	switch (inode->base.type) {
	case SQFS_INODE_DIR:
	case SQFS_INODE_EXT_DIR:
		return (struct squash_kind){.type = S_IFDIR};
	case SQFS_INODE_FILE:
		return (struct squash_kind){.type = S_IFREG, .n_links = 1};
	case SQFS_INODE_EXT_FILE:
		return (struct squash_kind){.type = S_IFREG,
					    .n_links = inode->data.file_ext.nlink};
	case SQFS_INODE_SLINK:
		return (struct squash_kind){.type = S_IFLNK,
					    .n_links = inode->data.slink.nlink,
					    .text = text,
					    .text_len = inode->data.slink.target_size};
	case SQFS_INODE_EXT_SLINK:
		return (struct squash_kind){.type = S_IFLNK,
					    .n_links = inode->data.slink_ext.nlink,
					    .text = text,
					    .text_len =
						    inode->data.slink_ext.target_size};
	case SQFS_INODE_BDEV:
	case SQFS_INODE_CDEV:
		return (struct squash_kind){
			.type = inode->base.type == SQFS_INODE_BDEV ? S_IFBLK : S_IFCHR,
			.n_links = inode->data.dev.nlink,
			.device = inode->data.dev.devno};
	case SQFS_INODE_EXT_BDEV:
	case SQFS_INODE_EXT_CDEV:
		return (struct squash_kind){
			.type = inode->base.type == SQFS_INODE_EXT_BDEV ? S_IFBLK
									: S_IFCHR,
			.n_links = inode->data.dev_ext.nlink,
			.device = inode->data.dev_ext.devno};
	case SQFS_INODE_FIFO:
	case SQFS_INODE_SOCKET:
		return (struct squash_kind){
			.type = inode->base.type == SQFS_INODE_FIFO ? S_IFIFO : S_IFSOCK,
			.n_links = inode->data.ipc.nlink};
	case SQFS_INODE_EXT_FIFO:
	case SQFS_INODE_EXT_SOCKET:
		return (struct squash_kind){
			.type = inode->base.type == SQFS_INODE_EXT_FIFO ? S_IFIFO
									: S_IFSOCK,
			.n_links = inode->data.ipc_ext.nlink};
	default:
		return (struct squash_kind){0};
	}
}

/* As the kernel's new_decode_dev(). */
static dev_t device_of(uint32_t number)
{
	return makedev((number & 0xfff00) >> 8,
		       (number & 0xff) | ((number >> 12) & 0xfff00));
}

/* Has this file been met under another name?  Then the entry is a link to that. */
static struct err *set_link(struct squash *s, bool *is_link)
{
	struct stat st = {.st_ino = s->inode->base.inode_number};
	size_t first = inode_set_meet(&s->links, &st, s->link_names.len + 1);

	*is_link = first > 0;
	if (*is_link) {
		archive_entry_set_hardlink(s->entry, s->link_names.items[first - 1]);
		return NULL;
	}
	s->link_bytes += s->path.len + 1;
	if (s->link_bytes > LINK_NAMES_MAX)
		return err_new(ERR_CORRUPT, "too many files have several names");
	vec_push(&s->link_names, xstrdup(buf_text(&s->path)));
	return NULL;
}

/* The next one of the present list.  What would be left out is not even held. */
static int add_xattr(struct squash *s, size_t *bytes)
{
	sqfs_xattr_entry_t *key = NULL;
	sqfs_xattr_value_t *value = NULL;
	int code = sqfs_xattr_reader_read_key(s->xattrs, &key);

	if (code == 0)
		code = sqfs_xattr_reader_read_value(s->xattrs, key, &value);
	if (code == 0) {
		*bytes += strlen((const char *)key->key) + value->size;
		if (xattr_has_use((const char *)key->key, XATTR_UNPACK) &&
		    *bytes <= XATTR_BYTES_MAX)
			archive_entry_xattr_add_entry(s->entry, (const char *)key->key,
						      value->value, value->size);
	}
	sqfs_free(key);
	sqfs_free(value);
	return code;
}

static struct err *set_xattrs(struct squash *s)
{
	sqfs_xattr_id_t list;
	size_t bytes = 0;
	uint32_t index = NO_XATTR;
	int code = sqfs_inode_get_xattr_index(s->inode, &index);

	if (code != 0 || index == NO_XATTR || !s->xattrs)
		return code == 0 ? NULL : failed(s, code, "extended attributes");
	code = sqfs_xattr_reader_get_desc(s->xattrs, index, &list);
	/* Without a table of attributes libsquashfs has an empty list 0, which it cannot
	 * go to. */
	if (code == 0 && list.count > 0)
		code = sqfs_xattr_reader_seek_kv(s->xattrs, &list);
	for (uint32_t i = 0; code == 0 && i < list.count; i++) {
		code = add_xattr(s, &bytes);
		if (bytes > XATTR_BYTES_MAX)
			return err_new(ERR_CORRUPT, "it has extended attributes of more "
						    "than 1 MiB");
	}
	return code == 0 ? NULL : failed(s, code, "extended attributes");
}

static struct err *set_owner(struct squash *s)
{
	uint32_t uid = 0, gid = 0;
	int code = sqfs_id_table_index_to_id(s->ids, s->inode->base.uid_idx, &uid);

	if (code == 0)
		code = sqfs_id_table_index_to_id(s->ids, s->inode->base.gid_idx, &gid);
	archive_entry_set_uid(s->entry, uid);
	archive_entry_set_gid(s->entry, gid);
	return code == 0 ? NULL : failed(s, code, "table of owners");
}

static struct err *set_kind(struct squash *s, const struct squash_kind *kind)
{
	uint64_t size = 0;

	if (kind->type == S_IFLNK) {
		if (strnlen(kind->text, kind->text_len) != kind->text_len)
			return err_new(ERR_CORRUPT, "a link's target holds a NUL");
		archive_entry_set_symlink(s->entry, kind->text);
	}
	if (kind->type == S_IFCHR || kind->type == S_IFBLK)
		archive_entry_set_rdev(s->entry, device_of(kind->device));
	if (kind->type != S_IFREG)
		return NULL;
	TRY(squash_data_begin(&s->data, s->inode));
	sqfs_inode_get_file_size(s->inode, &size);
	if (size > INT64_MAX)
		return err_new(ERR_CORRUPT, "negative size");
	archive_entry_set_size(s->entry, (int64_t)size);
	return NULL;
}

static struct err *set_entry(struct squash *s)
{
	struct squash_kind kind = kind_of(s->inode);
	bool is_link = false;

	archive_entry_clear(s->entry);
	archive_entry_set_pathname(s->entry, s->path.len > 0 ? buf_text(&s->path) : "/");
	if (kind.type == 0)
		return err_new(ERR_CORRUPT, "unknown kind of file");
	archive_entry_set_mode(s->entry,
			       kind.type | (s->inode->base.mode & (mode_t)07777));
	archive_entry_set_mtime(s->entry, (time_t)s->inode->base.mod_time, 0);
	TRY(set_owner(s));
	/* A device may be left out, and then cannot be linked to. */
	if (kind.type != S_IFDIR && kind.type != S_IFCHR && kind.type != S_IFBLK &&
	    kind.n_links > 1)
		TRY(set_link(s, &is_link));
	if (is_link)
		return NULL;
	TRY(set_kind(s, &kind));
	return set_xattrs(s);
}

/* ---- the walk ---- */

static bool is_name(const char *name, size_t len)
{
	return len > 0 && len <= NAME_MAX && strlen(name) == len && !strchr(name, '/') &&
	       strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static sqfs_dir_reader_t *reader_at(struct squash *s, size_t depth)
{
	while (s->levels.len <= depth) {
		struct level level = {.reader = sqfs_dir_reader_create(
					      &s->super, s->compressor, s->file, 0)};

		if (!level.reader)
			abort(); /* only memory can fail here */
		vec_push(&s->levels, level);
	}
	return s->levels.items[depth].reader;
}

/* Go into the folder that the last entry was.  A folder with two names would be a circle,
 * or a tree far larger than the image. */
static struct err *enter(struct squash *s)
{
	struct stat st = {.st_ino = s->inode->base.inode_number};
	sqfs_dir_reader_t *reader = reader_at(s, s->depth);
	int code;

	if (inode_set_meet(&s->folders, &st, 1) > 0)
		return err_new(ERR_CORRUPT, "a folder has two names");
	if (s->path.len >= PATH_MAX)
		return err_new(ERR_CORRUPT, "path too long");
	code = sqfs_dir_reader_open_dir(reader, s->inode, 0);
	if (code != 0)
		return failed(s, code, "a folder");
	s->levels.items[s->depth++].path_len = s->path.len;
	return NULL;
}

/* The next name of the innermost folder that has one; `*ended` when none has. */
static struct err *find_next(struct squash *s, bool *ended)
{
	*ended = false;
	for (; s->depth > 0; s->depth--) {
		struct level *level = &s->levels.items[s->depth - 1];
		sqfs_dir_entry_t *found = NULL;
		int code = sqfs_dir_reader_read(level->reader, &found);
		size_t len = found ? (size_t)found->size + 1 : 0;
		bool is_usable = code == 0 && is_name((const char *)found->name, len);

		buf_truncate(&s->path, level->path_len);
		if (is_usable)
			buf_printf(&s->path, "/%s", (const char *)found->name);
		sqfs_free(found);
		if (code < 0)
			return failed(s, code, "a folder");
		if (code > 0)
			continue;
		if (!is_usable)
			return err_new(ERR_CORRUPT, "a name that no file can have");
		code = sqfs_dir_reader_get_inode(level->reader, &s->inode);
		return code == 0 ? NULL : failed(s, code, "a file");
	}
	*ended = true;
	return NULL;
}

static struct err *begin(struct squash *s)
{
	int code = sqfs_dir_reader_get_root_inode(reader_at(s, 0), &s->inode);

	s->has_begun = true;
	if (code != 0)
		return failed(s, code, "the root folder");
	return kind_of(s->inode).type == S_IFDIR
		       ? NULL
		       : err_new(ERR_CORRUPT, "the root is not a folder");
}

static struct err *go_on(struct squash *s, bool *ended)
{
	*ended = false;
	if (!s->has_begun)
		return begin(s);
	if (kind_of(s->inode).type == S_IFDIR)
		TRY(enter(s));
	sqfs_free(s->inode);
	s->inode = NULL;
	return find_next(s, ended);
}

static struct err *next_entry(void *self, struct archive_entry **entry)
{
	struct squash *s = self;
	bool ended;

	*entry = NULL;
	TRY(err_wrap(go_on(s, &ended), "in '%s'", buf_text(&s->path)));
	if (ended)
		return NULL;
	TRY(err_wrap(set_entry(s), "'%s'", buf_text(&s->path)));
	*entry = s->entry;
	return NULL;
}

static struct err *next_piece(void *self, struct unpack_piece *out)
{
	struct squash *s = self;

	return squash_data_piece(&s->data, out);
}

struct unpack_entries squash_entries(struct squash *s)
{
	return (struct unpack_entries){
		.self = s, .next = next_entry, .piece = next_piece};
}
