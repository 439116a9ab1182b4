/* SPDX-License-Identifier: MIT
 * sqfs_tree.c - see sqfs_tree.h.
 */
#include "engine/image/sqfs_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/inode_set.h"
#include "base/vec.h"

struct scan {
	struct sqfs_tree *tree;
	const struct cancel *cancel;
	struct inode_set linked; /* of files with several names: place in nodes, from 1 */
};

char *sqfs_node_path(const struct sqfs_node *node)
{
	CLEANUP(freep) char *above = NULL;

	if (!node->parent)
		return xstrdup("/");
	above = sqfs_node_path(node->parent);
	return xasprintf("%s%s%s", above, above[1] ? "/" : "", node->name);
}

/* The node that has the same inode already; else this one becomes it, and is the next of the
 * tree's nodes: nothing is below it. */
static struct sqfs_node *find_same(struct scan *s, const struct sqfs_node *node)
{
	size_t met = inode_set_meet(&s->linked, &node->st, s->tree->n_nodes + 1);

	return met > 0 ? s->tree->nodes[met - 1] : NULL;
}

/* ---- extended attributes ---- */

static bool is_stored(struct str name)
{
	static const char *const prefixes[] = {"user.", "trusted.", "security."};
	static const char *const dropped[] = {
		"user.overlay.",       "trusted.overlay.",
		"user.fuseoverlayfs.", "user.rootlesscontainers",
		"security.selinux",    "security.ima",
		"security.evm",
	};
	bool known = false;

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		known = known || str_starts_with(name, prefixes[i]);
	for (size_t i = 0; i < ARRAY_LEN(dropped); i++)
		known = known && !str_starts_with(name, dropped[i]);
	return known;
}

/*
 * In a user namespace the kernel keeps file capabilities in the form that names the
 * namespace's root (version 3, capabilities(7)); on other machines that id means nothing,
 * and version 2 means "root of whoever looks".  What is read here within the namespace
 * has been translated already when its root is ours; another root's is dropped.
 */
static bool fix_capability(unsigned char *value, size_t *size)
{
	uint32_t revision, root_id = 0;

	if (*size < sizeof(struct vfs_cap_data))
		return false;
	memcpy(&revision, value, sizeof(revision));
	if ((revision & VFS_CAP_REVISION_MASK) != VFS_CAP_REVISION_3)
		return true;
	if (*size < sizeof(struct vfs_ns_cap_data))
		return false;
	memcpy(&root_id, value + offsetof(struct vfs_ns_cap_data, rootid),
	       sizeof(root_id));
	revision = (revision & ~(uint32_t)VFS_CAP_REVISION_MASK) | VFS_CAP_REVISION_2;
	memcpy(value, &revision, sizeof(revision));
	*size = sizeof(struct vfs_cap_data);
	return root_id == 0;
}

static int compare_xattrs(const void *a, const void *b)
{
	return strcmp(((const struct sqfs_xattr *)a)->name,
		      ((const struct sqfs_xattr *)b)->name);
}

struct xattrs {
	VEC(struct sqfs_xattr) found;
};

static void read_xattr(struct scan *s, const char *path, struct str name,
		       struct xattrs *x)
{
	unsigned char value[XATTR_SIZE_MAX];
	char *copy = arena_dup(s->tree->arena, name);
	ssize_t n = lgetxattr(path, copy, value, sizeof(value));
	size_t size = n > 0 ? (size_t)n : 0;
	void *stored;

	if (n < 0)
		return;
	if (str_is(name, "security.capability") && !fix_capability(value, &size))
		return;
	stored = arena_alloc(s->tree->arena, size);
	memcpy(stored, value, size);
	vec_push(&x->found, ((struct sqfs_xattr){copy, stored, size}));
}

/* Through /proc/self/fd/N/NAME: there is no lgetxattrat(2) before Linux 6.13. */
static void read_xattrs(struct scan *s, int dir_fd, struct sqfs_node *node)
{
	char names[XATTR_LIST_MAX];
	CLEANUP(freep) char *path = xasprintf("/proc/self/fd/%d/%s", dir_fd, node->name);
	ssize_t n = llistxattr(path, names, sizeof(names));
	struct sqfs_xattr *copy;
	struct xattrs x = {0};

	for (const char *name = names; n > 0 && name < names + n;
	     name += strlen(name) + 1)
		if (is_stored(str_of(name)))
			read_xattr(s, path, str_of(name), &x);
	if (x.found.len > 0) {
		qsort(x.found.items, x.found.len, sizeof(*x.found.items), compare_xattrs);
		copy = arena_array(s->tree->arena, x.found.len, sizeof(*copy));
		memcpy(copy, x.found.items, x.found.len * sizeof(*copy));
		node->xattrs = copy;
		node->n_xattrs = x.found.len;
	}
	vec_free(&x.found);
}

/* ---- the tree ---- */

static struct err *scan_folder(struct scan *s, int fd, struct sqfs_node *node);

static struct err *scan_link(struct scan *s, int dir_fd, struct sqfs_node *node)
{
	char target[PATH_MAX + 1];
	ssize_t n = readlinkat(dir_fd, node->name, target, sizeof(target));

	if (n < 0)
		return err_sys("link");
	node->target = arena_dup(s->tree->arena, str_make(target, (size_t)n));
	return NULL;
}

static void tree_add(struct sqfs_tree *t, struct sqfs_node *node)
{
	struct {
		struct sqfs_node **items;
		size_t len, cap;
	} v = {t->nodes, t->n_nodes, t->cap_nodes};

	vec_push(&v, node);
	t->nodes = v.items;
	t->n_nodes = v.len;
	t->cap_nodes = v.cap;
}

/* Everything of an entry but what is below it. */
static struct err *scan_entry(struct scan *s, int dir_fd, struct sqfs_node *node)
{
	if (fstatat(dir_fd, node->name, &node->st, AT_SYMLINK_NOFOLLOW) != 0)
		return err_sys("stat");
	node->links = 1;
	if (!S_ISDIR(node->st.st_mode) && node->st.st_nlink > 1) {
		node->same = find_same(s, node);
		if (node->same) {
			node->same->links++;
			return NULL;
		}
	}
	read_xattrs(s, dir_fd, node);
	if (S_ISREG(node->st.st_mode))
		s->tree->file_bytes += (uint64_t)node->st.st_size;
	if (S_ISLNK(node->st.st_mode))
		return scan_link(s, dir_fd, node);
	return NULL;
}

static struct err *scan_child(struct scan *s, int dir_fd, struct sqfs_node *node)
{
	CLEANUP(closep) int fd = -1;

	TRY(scan_entry(s, dir_fd, node));
	if (S_ISDIR(node->st.st_mode)) {
		TRY(fs_open(dir_fd, node->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0,
			    &fd));
		TRY(scan_folder(s, fd, node));
	}
	if (!node->same)
		tree_add(s->tree, node);
	return NULL;
}

static int is_entry(const struct dirent *entry)
{
	/* A socket is of no use without the process that made it. */
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
	       entry->d_type != DT_SOCK;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static struct err *scan_children(struct scan *s, int fd, struct sqfs_node *node,
				 struct dirent **entries)
{
	for (size_t i = 0; i < node->n_children; i++) {
		struct sqfs_node *child = arena_alloc(s->tree->arena, sizeof(*child));
		struct err *e;

		child->name = arena_dup(s->tree->arena, str_of(entries[i]->d_name));
		child->parent = node;
		node->children[i] = child;
		e = scan_child(s, fd, child);
		if (e && !err_cause(e)) {
			CLEANUP(freep) char *path = sqfs_node_path(child);

			return err_wrap(e, "'%s'", path);
		}
		TRY(e);
		if (S_ISDIR(child->st.st_mode))
			node->links++;
	}
	return NULL;
}

static struct err *scan_folder(struct scan *s, int fd, struct sqfs_node *node)
{
	struct dirent **entries = NULL;
	struct err *e;
	int n;

	if (s->cancel)
		TRY(cancel_check(s->cancel));
	n = scandirat(fd, ".", &entries, is_entry, by_bytes);
	if (n < 0)
		return err_sys("folder");
	node->links = 2;
	node->n_children = (size_t)n;
	node->children =
		arena_array(s->tree->arena, (size_t)n, sizeof(struct sqfs_node *));
	e = scan_children(s, fd, node, entries);
	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
	return e;
}

struct err *sqfs_tree_scan(int root_fd, const struct cancel *cancel,
			   struct sqfs_tree **out)
{
	CLEANUP(sqfs_tree_freep) struct sqfs_tree *t = xcalloc(1, sizeof(*t));
	struct scan s = {.tree = t, .cancel = cancel, .linked = INODE_SET_INIT};
	struct err *e;

	t->arena = arena_new();
	t->root = arena_alloc(t->arena, sizeof(*t->root));
	t->root->name = ".";
	e = scan_child(&s, root_fd, t->root);
	inode_set_release(&s.linked);
	TRY(e);
	*out = STEAL(t);
	return NULL;
}

void sqfs_tree_free(struct sqfs_tree *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_nodes; i++)
		free(t->nodes[i]->inode);
	free(t->nodes);
	arena_free(t->arena);
	free(t);
}

void sqfs_tree_freep(struct sqfs_tree **t)
{
	sqfs_tree_free(*t);
	*t = NULL;
}
