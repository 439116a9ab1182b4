/* SPDX-License-Identifier: MIT
 * sqfs_tree.h - the inodes of a root filesystem, as squashfs will store them.
 *
 * Purpose:   a scan of the tree in byte order: names, stats, link targets, extended
 *            attributes, and which names are hard links to one inode. No file is opened.
 * Ownership: sqfs_tree_free() ends it.
 * Threads:   one thread.
 * Errors:    ERR_SYS with the path; ERR_UNSUPPORTED when names, link targets and
 *            attributes take more than 128 MiB; ERR_CANCELLED.
 */
#ifndef ENGINE_IMAGE_SQFS_TREE_H
#define ENGINE_IMAGE_SQFS_TREE_H

#include <sqfs/inode.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/cancel.h"

struct sqfs_xattr {
	const char *name;
	const void *value;
	size_t size; /* bytes */
};

/* Consecutive blocks of a file that hold data. */
struct sqfs_run {
	uint32_t first, count;
};

/* About 150 bytes each, and some 100 in libsquashfs for a file: the only memory that
 * grows with the image. */
struct sqfs_node {
	const char *name;
	struct sqfs_node *parent;
	struct sqfs_node *same; /* the node whose inode this name shares, or NULL */
	const struct sqfs_xattr *xattrs;
	union {
		struct sqfs_node **children; /* by name, of folders */
		const char *target;	     /* of links */
		struct sqfs_run *runs;	     /* of files with holes: sqfs_data.h */
	};
	union {
		uint64_t size;	 /* of files, in bytes */
		uint64_t device; /* of devices */
	};
	int64_t mtime_s;
	uint32_t mode, uid, gid;
	uint32_t n_children, n_xattrs, n_runs;
	bool has_holes;
	/* filled while writing */
	uint32_t number, links, xattr_index;
	sqfs_inode_generic_t *inode;
	uint64_t reference;
};

struct sqfs_tree {
	struct arena *arena;
	struct sqfs_node *root;
	struct sqfs_node **nodes; /* those with an inode of their own, folders after their
				     children */
	size_t n_nodes, cap_nodes;
	uint64_t file_bytes; /* of all plain files */
};

/* A file above `max_file` bytes (0: no limit), holes included, is refused. */
NODISCARD struct err *sqfs_tree_scan(int root_fd, uint64_t max_file,
				     const struct cancel *cancel, struct sqfs_tree **out);
void sqfs_tree_free(struct sqfs_tree *t);
void sqfs_tree_freep(struct sqfs_tree **t);
/* "/usr/bin/env", for free(). */
char *sqfs_node_path(const struct sqfs_node *node);

#endif
