/* SPDX-License-Identifier: MIT
 * sqfs_data.h - the contents of files, as blocks of a squashfs.
 *
 * Purpose:   reads the files of a tree and hands their data to libsquashfs's block
 *            processor; holes are neither read nor handed over, however large they are.
 *            libsquashfs knows only files of consecutive blocks, so we add the missing
 *            blocks of a file with holes when its inode is written. Written zeros give
 *            the same bytes as a hole.
 * Ownership: everything except the chunk is borrowed; sqfs_data_release() ends it.
 * Threads:   one thread.
 * Errors:    ERR_SYS, ERR_CANCELLED; ERR_CORRUPT when a file changes while it is read.
 */
#ifndef ENGINE_IMAGE_SQFS_DATA_H
#define ENGINE_IMAGE_SQFS_DATA_H

#include <sqfs/block_processor.h>
#include <sqfs/meta_writer.h>

#include "engine/image/sqfs_tree.h"
#include "engine/image/sqfs_write.h"

enum { SQFS_BLOCK_SIZE = 128 * 1024 }; /* Apptainer's and mksquashfs's default */

struct sqfs_data {
	const struct sqfs_request *request;
	struct sqfs_tree *tree;
	sqfs_block_processor_t *processor;
	/* ---- private ---- */
	const struct sqfs_node *folder; /* the folder that `fd` is open on; NULL before
					   the first */
	int fd;
	char *chunk;
	uint64_t done; /* bytes of the files already done, holes included */
	int code;      /* libsquashfs's, when libsquashfs has failed */
};

/* Write all files of the tree, in its order; libsquashfs owns node->inode until its
 * processor is finished.  When `d->code` is set after an error, libsquashfs has
 * failed. */
NODISCARD struct err *sqfs_data_write(struct sqfs_data *d);
/* Complete the inode that libsquashfs has made of a file; returns its code, or 0. */
int sqfs_data_shape(struct sqfs_node *node);
/* Write a file's inode and the sizes of its blocks to the table of inodes; returns
 * libsquashfs's code, or 0.  libsquashfs itself would put the sizes on its stack: a file
 * of 256 GiB has 8 MiB of them. */
int sqfs_data_write_inode(struct sqfs_node *node, sqfs_meta_writer_t *table);
void sqfs_data_release(struct sqfs_data *d);

#endif
