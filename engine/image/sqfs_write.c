/* SPDX-License-Identifier: MIT
 * sqfs_write.c - see sqfs_write.h.
 *
 * squashfs wants the data first, then the inodes, then the folders, then small tables.
 * Files go through libsquashfs's block processor in the order of the scan; it compresses
 * on its threads and writes blocks in the order they were handed in, so the bytes do not
 * depend on the number of threads.  Inodes are written children first, because a folder's
 * entries say where the inodes lie.
 */
#include "engine/image/sqfs_write.h"

#include <errno.h>
#include <sqfs/block.h>
#include <sqfs/block_processor.h>
#include <sqfs/block_writer.h>
#include <sqfs/compressor.h>
#include <sqfs/dir.h>
#include <sqfs/dir_writer.h>
#include <sqfs/error.h>
#include <sqfs/frag_table.h>
#include <sqfs/id_table.h>
#include <sqfs/inode.h>
#include <sqfs/meta_writer.h>
#include <sqfs/super.h>
#include <sqfs/xattr_writer.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "engine/image/sqfs_data.h"
#include "engine/image/sqfs_deflate.h"
#include "engine/image/sqfs_file.h"
#include "engine/image/sqfs_tree.h"

enum {
	PAD = 4096,	   /* loop devices want whole pages */
	DEFLATE_LEVEL = 6, /* measured: bench/README.md */
	ZSTD_LEVEL = 3,
};

struct sqfs_writer {
	const struct sqfs_request *request;
	struct sqfs_tree *tree;
	sqfs_file_t *file;
	sqfs_super_t super;
	sqfs_compressor_t *compressor, *decompressor;
	sqfs_block_writer_t *blocks;
	sqfs_frag_table_t *fragments;
	sqfs_id_table_t *ids;
	sqfs_xattr_writer_t *xattrs;
	sqfs_block_processor_t *processor;
	sqfs_meta_writer_t *inodes, *folders;
	sqfs_dir_writer_t *entries;
	struct sqfs_data data;
};

/* ---- errors ---- */

static struct err *sqfs_failed(const struct sqfs_writer *w, int code, const char *what)
{
	int number = w->file ? sqfs_part_errno(w->file) : 0;

	if (number) {
		errno = number;
		return err_sys("%s", what);
	}
	return err_new(ERR_SYS, "%s: libsquashfs error %d", what, code);
}

#define SQFS(w, call, what)                                                              \
	do {                                                                             \
		int sqfs_code_ = (call);                                                 \
		if (sqfs_code_ != 0)                                                     \
			return sqfs_failed((w), sqfs_code_, (what));                     \
	} while (0)

/* ---- setting up ---- */

static struct err *make_compressors(struct sqfs_writer *w)
{
	bool gzip = w->request->compression == SQFS_GZIP;
	int level = w->request->level;
	sqfs_compressor_config_t config;

	SQFS(w,
	     sqfs_compressor_config_init(&config, gzip ? SQFS_COMP_GZIP : SQFS_COMP_ZSTD,
					 SQFS_BLOCK_SIZE, SQFS_COMP_FLAG_UNCOMPRESS),
	     "compressor");
	SQFS(w, sqfs_compressor_create(&config, &w->decompressor), "compressor");
	if (gzip) {
		w->compressor = sqfs_deflate_new(level > 0 ? level : DEFLATE_LEVEL,
						 SQFS_BLOCK_SIZE);
		return NULL;
	}
	SQFS(w, sqfs_compressor_config_init(&config, SQFS_COMP_ZSTD, SQFS_BLOCK_SIZE, 0),
	     "compressor");
	config.level = (sqfs_u32)(level > 0 ? level : ZSTD_LEVEL);
	SQFS(w, sqfs_compressor_create(&config, &w->compressor), "compressor");
	return NULL;
}

static struct err *begin(struct sqfs_writer *w)
{
	SQFS_COMPRESSOR id =
		w->request->compression == SQFS_GZIP ? SQFS_COMP_GZIP : SQFS_COMP_ZSTD;
	int options;

	SQFS(w, sqfs_super_init(&w->super, SQFS_BLOCK_SIZE, w->request->time_s, id),
	     "superblock");
	SQFS(w, sqfs_super_write(&w->super, w->file), "superblock");
	options = w->compressor->write_options(w->compressor, w->file);
	if (options < 0)
		return sqfs_failed(w, options, "compressor");
	if (options > 0)
		w->super.flags |= SQFS_FLAG_COMPRESSOR_OPTIONS;
	return NULL;
}

static struct err *make_processor(struct sqfs_writer *w)
{
	sqfs_block_processor_desc_t description = {
		.size = sizeof(description),
		.max_block_size = SQFS_BLOCK_SIZE,
		.num_workers = w->request->workers,
		/* Bounds memory: at most this many blocks are in progress at a time. */
		.max_backlog = 10 * w->request->workers,
		.cmp = w->compressor,
		.file = w->file,
		.uncmp = w->decompressor,
	};

	w->blocks = sqfs_block_writer_create(w->file, PAD, 0);
	w->fragments = sqfs_frag_table_create(0);
	w->ids = sqfs_id_table_create(0);
	w->xattrs = sqfs_xattr_writer_create(0);
	if (!w->blocks || !w->fragments || !w->ids || !w->xattrs)
		return err_new(ERR_SYS, "libsquashfs has no memory");
	description.wr = w->blocks;
	description.tbl = w->fragments;
	SQFS(w, sqfs_block_processor_create_ex(&description, &w->processor),
	     "block processor");
	return NULL;
}

static struct err *write_data(struct sqfs_writer *w)
{
	struct err *e;

	w->data = (struct sqfs_data){w->request, w->tree, w->processor, .fd = -1};
	e = sqfs_data_write(&w->data);
	if (!e || !w->data.code)
		return e;
	err_ignore(e, "the file's errno says more");
	return sqfs_failed(w, w->data.code, "write");
}

/* ---- inodes ---- */

static struct err *index_xattrs(struct sqfs_writer *w, struct sqfs_node *node)
{
	node->xattr_index = 0xFFFFFFFF;
	if (node->n_xattrs == 0)
		return NULL;
	SQFS(w, sqfs_xattr_writer_begin(w->xattrs, 0), "xattrs");
	for (size_t i = 0; i < node->n_xattrs; i++)
		SQFS(w,
		     sqfs_xattr_writer_add(w->xattrs, node->xattrs[i].name,
					   node->xattrs[i].value, node->xattrs[i].size),
		     "xattrs");
	SQFS(w, sqfs_xattr_writer_end(w->xattrs, &node->xattr_index), "xattrs");
	return NULL;
}

/* squashfs keeps unsigned 32-bit seconds. */
static uint32_t time_of(const struct sqfs_writer *w, const struct sqfs_node *node)
{
	int64_t s = node->mtime_s;

	if (s > w->request->clamp_s)
		s = w->request->clamp_s;
	return s < 0 ? 0 : s > UINT32_MAX ? UINT32_MAX : (uint32_t)s;
}

/* Linux's dev_t as squashfs stores it: 8 + 12 bits of minor around 12 bits of major. */
static uint32_t device_of(const struct sqfs_node *node)
{
	unsigned high = major(node->device), low = minor(node->device);

	return (high & 0xfffU) << 8 | (low & 0xffU) | (low & ~0xffU) << 12;
}

static sqfs_inode_generic_t *small_inode(const struct sqfs_node *node)
{
	size_t len = S_ISLNK(node->mode) ? strlen(node->target) : 0;
	sqfs_inode_generic_t *inode = xcalloc(1, sizeof(*inode) + len);

	switch (node->mode & S_IFMT) {
	case S_IFLNK:
		inode->base.type = SQFS_INODE_SLINK;
		inode->data.slink.nlink = node->links;
		inode->data.slink.target_size = (sqfs_u32)len;
		if (len > 0)
			memcpy(inode->extra, node->target, len);
		break;
	case S_IFBLK:
	case S_IFCHR:
		inode->base.type =
			S_ISBLK(node->mode) ? SQFS_INODE_BDEV : SQFS_INODE_CDEV;
		inode->data.dev.nlink = node->links;
		inode->data.dev.devno = device_of(node);
		break;
	default:
		inode->base.type =
			S_ISSOCK(node->mode) ? SQFS_INODE_SOCKET : SQFS_INODE_FIFO;
		inode->data.ipc.nlink = node->links;
		break;
	}
	return inode;
}

static struct err *shape_file(struct sqfs_writer *w, struct sqfs_node *node)
{
	sqfs_inode_generic_t *inode;

	SQFS(w, sqfs_data_shape(node), "inode");
	inode = node->inode;
	if (node->links > 1 || node->xattr_index != 0xFFFFFFFF)
		SQFS(w, sqfs_inode_make_extended(inode), "inode");
	if (inode->base.type == SQFS_INODE_EXT_FILE)
		inode->data.file_ext.nlink = node->links;
	return NULL;
}

static struct err *make_folder(struct sqfs_writer *w, struct sqfs_node *node)
{
	uint32_t parent =
		node->parent ? node->parent->number : (uint32_t)w->tree->n_nodes + 1;

	SQFS(w, sqfs_dir_writer_begin(w->entries, 0), "folder");
	for (size_t i = 0; i < node->n_children; i++) {
		const struct sqfs_node *child = node->children[i];
		const struct sqfs_node *shown = child->same ? child->same : child;

		SQFS(w,
		     sqfs_dir_writer_add_entry(w->entries, child->name, shown->number,
					       shown->reference, (sqfs_u16)shown->mode),
		     "folder");
	}
	SQFS(w, sqfs_dir_writer_end(w->entries), "folder");
	node->inode = sqfs_dir_writer_create_inode(w->entries, node->links,
						   node->xattr_index, parent);
	if (!node->inode)
		return err_new(ERR_SYS, "libsquashfs has no memory");
	/* libsquashfs adds two, and the number of entries. */
	if (node->inode->base.type == SQFS_INODE_EXT_DIR)
		node->inode->data.dir_ext.nlink = node->links;
	else
		node->inode->data.dir.nlink = node->links;
	return NULL;
}

static struct err *write_inode(struct sqfs_writer *w, struct sqfs_node *node)
{
	sqfs_inode_generic_t *inode = node->inode;
	uint32_t uid = w->request->all_root ? 0 : node->uid;
	uint32_t gid = w->request->all_root ? 0 : node->gid;
	sqfs_u64 block;
	sqfs_u32 offset;

	inode->base.mode = (sqfs_u16)node->mode;
	inode->base.mod_time = time_of(w, node);
	inode->base.inode_number = node->number;
	SQFS(w, sqfs_inode_set_xattr_index(inode, node->xattr_index), "inode");
	SQFS(w, sqfs_id_table_id_to_index(w->ids, uid, &inode->base.uid_idx), "owners");
	SQFS(w, sqfs_id_table_id_to_index(w->ids, gid, &inode->base.gid_idx), "owners");
	sqfs_meta_writer_get_position(w->inodes, &block, &offset);
	node->reference = block << 16 | offset;
	SQFS(w,
	     S_ISREG(node->mode) ? sqfs_data_write_inode(node, w->inodes)
				 : sqfs_meta_writer_write_inode(w->inodes, inode),
	     "inode");
	sqfs_free(inode);
	node->inode = NULL;
	return NULL;
}

static struct err *add_inode(struct sqfs_writer *w, struct sqfs_node *node)
{
	if (w->request->cancel)
		TRY(cancel_check(w->request->cancel));
	TRY(index_xattrs(w, node));
	if (S_ISDIR(node->mode))
		TRY(make_folder(w, node));
	else if (S_ISREG(node->mode))
		TRY(shape_file(w, node));
	else
		node->inode = small_inode(node);
	return write_inode(w, node);
}

/* The order of the nodes has children before their folders; hard links need their inode
 * before the folder of any of its names, so everything but folders goes first. */
static struct err *write_inodes(struct sqfs_writer *w)
{
	w->super.inode_table_start = w->file->get_size(w->file);
	w->inodes = sqfs_meta_writer_create(w->file, w->compressor, 0);
	/* The folders' table follows the inodes', so it is kept until those are done. */
	w->folders = sqfs_meta_writer_create(w->file, w->compressor,
					     SQFS_META_WRITER_KEEP_IN_MEMORY);
	w->entries = w->folders ? sqfs_dir_writer_create(w->folders, 0) : NULL;
	if (!w->inodes || !w->entries)
		return err_new(ERR_SYS, "libsquashfs has no memory");
	for (size_t i = 0; i < w->tree->n_nodes; i++)
		w->tree->nodes[i]->number = (uint32_t)i + 1;
	for (int folders = 0; folders < 2; folders++)
		for (size_t i = 0; i < w->tree->n_nodes; i++)
			if ((S_ISDIR(w->tree->nodes[i]->mode) != 0) == (folders != 0))
				TRY(add_inode(w, w->tree->nodes[i]));
	SQFS(w, sqfs_meta_writer_flush(w->inodes), "inodes");
	SQFS(w, sqfs_meta_writer_flush(w->folders), "folders");
	w->super.root_inode_ref = w->tree->root->reference;
	w->super.inode_count = (sqfs_u32)w->tree->n_nodes;
	w->super.directory_table_start = w->file->get_size(w->file);
	SQFS(w, sqfs_meta_write_write_to_file(w->folders), "folders");
	return NULL;
}

/* In exactly this order: readers find each table by the start of the next. */
static struct err *write_tables(struct sqfs_writer *w, struct sqfs_result *result)
{
	uint64_t size;
	int number;

	SQFS(w, sqfs_frag_table_write(w->fragments, w->file, &w->super, w->compressor),
	     "tables");
	SQFS(w, sqfs_id_table_write(w->ids, w->file, &w->super, w->compressor), "tables");
	SQFS(w, sqfs_xattr_writer_flush(w->xattrs, w->file, &w->super, w->compressor),
	     "tables");
	size = w->file->get_size(w->file);
	w->super.bytes_used = size;
	SQFS(w, sqfs_super_write(&w->super, w->file), "superblock");
	size = (size + PAD - 1) / PAD * PAD;
	SQFS(w, w->file->truncate(w->file, size), "padding");
	number = sqfs_part_flush(w->file);
	if (number)
		return sqfs_failed(w, number, "write");
	result->size = size;
	result->inodes = w->tree->n_nodes;
	result->input_bytes = w->tree->file_bytes;
	return NULL;
}

/* Each keeps pointers to those made before it: release the last one first. */
static void writer_release(struct sqfs_writer *w)
{
	void *const objects[] = {w->entries,	  w->folders, w->inodes,
				 w->processor,	  w->xattrs,  w->ids,
				 w->fragments,	  w->blocks,  w->compressor,
				 w->decompressor, w->file};

	for (size_t i = 0; i < ARRAY_LEN(objects); i++)
		if (objects[i])
			sqfs_destroy(objects[i]);
	sqfs_data_release(&w->data);
	sqfs_tree_free(w->tree);
}

struct err *sqfs_write(const struct sqfs_request *request, struct sqfs_result *result)
{
	CLEANUP(writer_release)
	struct sqfs_writer w = {.request = request, .data.fd = -1};

	TRY(sqfs_tree_scan(request->root_fd, request->max_file, request->cancel,
			   &w.tree));
	w.file = sqfs_part_new(request->file_fd, request->offset);
	TRY(make_compressors(&w));
	TRY(begin(&w));
	TRY(make_processor(&w));
	TRY(write_data(&w));
	TRY(write_inodes(&w));
	return write_tables(&w, result);
}
