/* SPDX-License-Identifier: MIT
 * sqfs_data.c - see sqfs_data.h.
 */
#include "engine/image/sqfs_data.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <sqfs/block.h>
#include <sqfs/inode.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/vec.h"

enum { CHUNK = 1 << 20 };

/* libsquashfs compares a new file's blocks with all earlier blocks, one by one; for files
 * larger than this that is not worth the time. */
static const uint64_t DEDUPLICATE_MAX = (uint64_t)256 << 20;

/* ---- finding files ---- */

static bool is_below(const struct sqfs_node *node, const struct sqfs_node *folder)
{
	while (node && node != folder)
		node = node->parent;
	return node != NULL;
}

static struct err *move_to(struct sqfs_data *d, const struct sqfs_node *folder,
			   const char *name)
{
	int next = -1;

	TRY(fs_open(d->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &next));
	close(d->fd);
	d->fd = next;
	d->folder = folder;
	return NULL;
}

/* Go to `folder` from where we are, one step after the other, so that its depth does not
 * matter.  Files come in the order of the tree, so the way is short. */
static struct err *go_to(struct sqfs_data *d, const struct sqfs_node *folder)
{
	VEC(const struct sqfs_node *) way = {0};
	struct err *e = NULL;

	if (!d->folder) {
		d->folder = d->tree->root;
		TRY(fs_open(d->request->root_fd, ".", O_RDONLY | O_DIRECTORY, 0, &d->fd));
	}
	while (!e && !is_below(folder, d->folder))
		e = move_to(d, d->folder->parent, "..");
	for (const struct sqfs_node *n = folder; !e && n != d->folder; n = n->parent)
		vec_push(&way, n);
	while (!e && way.len > 0) {
		const struct sqfs_node *next = way.items[--way.len];

		e = move_to(d, next, next->name);
	}
	vec_free(&way);
	return e;
}

static struct err *open_file(struct sqfs_data *d, const struct sqfs_node *node, int *fd)
{
	struct stat st;

	TRY(go_to(d, node->parent));
	TRY(fs_open(d->fd, node->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, fd));
	if (fstat(*fd, &st) != 0)
		return err_sys("stat");
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != node->size)
		return err_new(ERR_CORRUPT, "it changed while it was read");
	return NULL;
}

/* ---- data and holes ---- */

static void report(const struct sqfs_data *d, uint64_t more)
{
	if (d->request->progress)
		d->request->progress(d->request->context, d->done + more,
				     d->tree->file_bytes);
}

static struct err *library(struct sqfs_data *d, int code)
{
	d->code = code;
	return code ? err_new(ERR_SYS, "libsquashfs") : NULL;
}

static struct err *append_data(struct sqfs_data *d, int fd, uint64_t at, uint64_t end)
{
	while (at < end) {
		size_t want = end - at < CHUNK ? (size_t)(end - at) : CHUNK;
		ssize_t n = pread(fd, d->chunk, want, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys("read");
		if (n == 0)
			return err_new(ERR_CORRUPT,
				       "it became shorter while it was read");
		TRY(library(d, sqfs_block_processor_append(d->processor, d->chunk,
							   (size_t)n)));
		at += (uint64_t)n;
		report(d, at);
		if (d->request->cancel)
			TRY(cancel_check(d->request->cancel));
	}
	return NULL;
}

/* The next data from `at` on, a multiple of the block size, in whole blocks as far as
 * possible: lseek(2), SEEK_DATA.  If the filesystem cannot tell, everything is data. */
static void find_data(int fd, uint64_t at, uint64_t size, uint64_t *start, uint64_t *end)
{
	off_t data = lseek(fd, (off_t)at, SEEK_DATA);
	off_t hole = data >= 0 ? lseek(fd, data, SEEK_HOLE) : -1;

	*start = at;
	*end = size;
	if (data < 0 && errno == ENXIO)
		*start = size;
	if (data >= 0 && (uint64_t)data < size)
		*start = (uint64_t)data / SQFS_BLOCK_SIZE * SQFS_BLOCK_SIZE;
	if (data >= 0 && (uint64_t)data >= size)
		*start = size;
	if (hole >= 0 && (uint64_t)hole < size)
		*end = ((uint64_t)hole + SQFS_BLOCK_SIZE - 1) / SQFS_BLOCK_SIZE *
		       SQFS_BLOCK_SIZE;
	if (*end > size)
		*end = size;
}

struct runs {
	VEC(struct sqfs_run) v;
};

static void add_run(struct runs *runs, uint64_t start, uint64_t end)
{
	struct sqfs_run run = {
		.first = (uint32_t)(start / SQFS_BLOCK_SIZE),
		.count =
			(uint32_t)((end - start + SQFS_BLOCK_SIZE - 1) / SQFS_BLOCK_SIZE),
	};
	struct sqfs_run *last = runs->v.items + runs->v.len;

	if (runs->v.len > 0 && last[-1].first + last[-1].count == run.first)
		last[-1].count += run.count;
	else
		vec_push(&runs->v, run);
}

static struct err *append_file(struct sqfs_data *d, int fd, uint64_t size,
			       struct runs *runs)
{
	uint64_t at = 0, start, end;

	while (at < size) {
		if (d->request->cancel)
			TRY(cancel_check(d->request->cancel));
		find_data(fd, at, size, &start, &end);
		if (start < size) {
			TRY(append_data(d, fd, start, end));
			add_run(runs, start, end);
		}
		at = start < size ? end : size;
	}
	return NULL;
}

/* Keep the runs of a file with holes until sqfs_data_shape(). */
static void keep_runs(struct sqfs_node *node, struct runs *runs)
{
	uint64_t blocks = (node->size + SQFS_BLOCK_SIZE - 1) / SQFS_BLOCK_SIZE;

	node->has_holes =
		blocks > 0 && (runs->v.len != 1 || runs->v.items[0].first != 0 ||
			       runs->v.items[0].count != blocks);
	if (!node->has_holes)
		return;
	node->runs = STEAL(runs->v.items);
	node->n_runs = (uint32_t)runs->v.len;
}

static struct err *write_file(struct sqfs_data *d, struct sqfs_node *node)
{
	sqfs_u32 flags = node->size > DEDUPLICATE_MAX ? SQFS_BLK_DONT_DEDUPLICATE : 0;
	CLEANUP(closep) int fd = -1;
	struct runs runs = {0};
	struct err *e;

	TRY(open_file(d, node, &fd));
	TRY(library(d, sqfs_block_processor_begin_file(d->processor, &node->inode, NULL,
						       flags)));
	e = append_file(d, fd, node->size, &runs);
	if (!e)
		keep_runs(node, &runs);
	vec_free(&runs.v);
	TRY(e);
	d->done += node->size;
	return library(d, sqfs_block_processor_end_file(d->processor));
}

struct err *sqfs_data_write(struct sqfs_data *d)
{
	d->chunk = xmalloc(CHUNK);
	for (size_t i = 0; i < d->tree->n_nodes; i++) {
		struct sqfs_node *node = d->tree->nodes[i];
		struct err *e;

		if (!S_ISREG(node->mode))
			continue;
		e = d->request->cancel ? cancel_check(d->request->cancel) : NULL;
		if (!e)
			e = write_file(d, node);
		if (e && err_code(e) != ERR_CANCELLED) {
			CLEANUP(freep) char *path = sqfs_node_path(node);

			e = err_wrap(e, "'%s'", path);
		}
		TRY(e);
	}
	TRY(library(d, sqfs_block_processor_finish(d->processor)));
	report(d, 0);
	return NULL;
}

/* ---- the inodes that libsquashfs made ---- */

/* Bytes of the file's data that libsquashfs was given. */
static uint64_t data_size(const struct sqfs_node *node)
{
	uint64_t size = 0, end = 0;

	for (size_t r = 0; r < node->n_runs; r++) {
		size += (uint64_t)node->runs[r].count * SQFS_BLOCK_SIZE;
		end = ((uint64_t)node->runs[r].first + node->runs[r].count) *
		      SQFS_BLOCK_SIZE;
	}
	return end > node->size ? size - (end - node->size) : size;
}

int sqfs_data_shape(struct sqfs_node *node)
{
	int code = node->has_holes ? sqfs_inode_make_extended(node->inode) : 0;

	if (code || !node->has_holes)
		return code;
	node->inode->data.file_ext.sparse += node->size - data_size(node);
	node->inode->data.file_ext.file_size = node->size;
	return 0;
}

/* Block sizes on their way into the table of inodes. */
struct sizes {
	sqfs_meta_writer_t *table;
	sqfs_u32 held[1024]; /* as they are on disk */
	size_t n;
	int code; /* the first failure */
};

static void flush_sizes(struct sizes *s)
{
	if (!s->code && s->n > 0)
		s->code = sqfs_meta_writer_append(s->table, s->held,
						  s->n * sizeof(*s->held));
	s->n = 0;
}

static void put_size(struct sizes *s, sqfs_u32 size)
{
	s->held[s->n++] = htole32(size);
	if (s->n == ARRAY_LEN(s->held))
		flush_sizes(s);
}

/* A hole's blocks have size 0. */
static void put_blocks(struct sizes *s, const struct sqfs_node *node, size_t n_given)
{
	const sqfs_u32 *given = node->inode->extra;
	uint64_t blocks = (node->size + SQFS_BLOCK_SIZE - 1) / SQFS_BLOCK_SIZE, at = 0;

	/* Its last block is not a block of its own, but lies in a fragment. */
	if (node->inode->data.file_ext.fragment_idx != 0xFFFFFFFF)
		blocks--;
	for (size_t r = 0; r < node->n_runs; r++) {
		for (; at < node->runs[r].first; at++)
			put_size(s, 0);
		for (uint32_t i = 0; i < node->runs[r].count && n_given > 0; i++, at++) {
			put_size(s, *given++);
			n_given--;
		}
	}
	for (; at < blocks; at++)
		put_size(s, 0);
}

int sqfs_data_write_inode(struct sqfs_node *node, sqfs_meta_writer_t *table)
{
	sqfs_inode_generic_t *inode = node->inode;
	size_t n = inode->payload_bytes_used / sizeof(sqfs_u32);
	struct sizes sizes = {.table = table};

	inode->payload_bytes_used = 0;
	sizes.code = sqfs_meta_writer_write_inode(table, inode);
	if (node->has_holes)
		put_blocks(&sizes, node, n);
	else
		for (size_t i = 0; i < n; i++)
			put_size(&sizes, inode->extra[i]);
	flush_sizes(&sizes);
	return sizes.code;
}

void sqfs_data_release(struct sqfs_data *d)
{
	closep(&d->fd);
	free(d->chunk);
}
