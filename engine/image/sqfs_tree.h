/* SPDX-License-Identifier: MIT
 * sqfs_tree.h - the inodes of a root filesystem, as squashfs will have them.
 *
 * Purpose:   a scan of the tree in byte order: names, stats, link targets, extended
 *            attributes, and which names are hard links to one inode. No file is opened.
 * Ownership: sqfs_tree_free() ends it.
 * Threads:   one thread.
 * Errors:    ERR_SYS with the path; ERR_CANCELLED.
 */
#ifndef ENGINE_IMAGE_SQFS_TREE_H
#define ENGINE_IMAGE_SQFS_TREE_H

#include <sqfs/inode.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/err.h"
#include "scheduler/cancel.h"

struct sqfs_xattr {
	const char *name;
	const void *value;
	size_t size; /* bytes */
};

/* About 200 bytes each: the only memory that grows with the image. */
struct sqfs_node {
	const char *name;
	struct sqfs_node *parent;
	struct sqfs_node **children; /* by name, of folders */
	size_t n_children;
	struct sqfs_node *same; /* the node whose inode this name shares, or NULL */
	const char *target;	/* of links */
	const struct sqfs_xattr *xattrs;
	size_t n_xattrs;
	struct stat st;
	/* filled while writing */
	sqfs_inode_generic_t *inode;
	uint32_t number, links, xattr_index;
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

NODISCARD struct err *sqfs_tree_scan(int root_fd, const struct cancel *cancel,
				     struct sqfs_tree **out);
void sqfs_tree_free(struct sqfs_tree *t);
void sqfs_tree_freep(struct sqfs_tree **t);
/* "/usr/bin/env", for free(). */
char *sqfs_node_path(const struct sqfs_node *node);

#endif
