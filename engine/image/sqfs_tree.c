/* SPDX-License-Identifier: MIT
 * sqfs_tree.c - see sqfs_tree.h.
 */
#include "engine/image/sqfs_tree.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/folder_walk.h"
#include "base/fs.h"
#include "base/inode_set.h"
#include "base/size_limit.h"
#include "base/vec.h"
#include "base/xattr_rules.h"

/* The most bytes of names, link targets and attributes.  A stranger's layer of a few
 * megabytes can have any amount of them; those of an honest image of a million files take
 * 40 MiB. */
static const uint64_t TEXT_MAX = MIB(128);

struct scan {
	struct sqfs_tree *tree;
	uint64_t max_file;
	uint64_t text_bytes;
	struct folder_walk walk;
	struct sqfs_node *here;	 /* the folder that the walk is in */
	struct inode_set linked; /* files with several names: their place in nodes, from
				    1 */
};

static void scan_release(struct scan *s)
{
	folder_walk_release(&s->walk);
	inode_set_release(&s->linked);
}

char *sqfs_node_path(const struct sqfs_node *node)
{
	size_t size = 1;
	char *path, *end;

	if (!node->parent)
		return xstrdup("/");
	for (const struct sqfs_node *n = node; n->parent; n = n->parent)
		size += strlen(n->name) + 1;
	path = xmalloc(size);
	end = path + size;
	*--end = '\0';
	for (const struct sqfs_node *n = node; n->parent; n = n->parent) {
		end -= strlen(n->name);
		memcpy(end, n->name, strlen(n->name));
		*--end = '/';
	}
	return path;
}

/* The node that has the same inode already; else the entry's own node is noted as such,
 * and becomes the next of the tree's nodes: it has no children. */
static struct sqfs_node *find_same(struct scan *s, const struct stat *st)
{
	size_t met = inode_set_meet(&s->linked, st, s->tree->n_nodes + 1);

	return met > 0 ? s->tree->nodes[met - 1] : NULL;
}

/* ---- extended attributes ---- */

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
	if (!xattr_make_portable(copy, value, &size))
		return;
	s->text_bytes += name.len + size;
	stored = arena_alloc(s->tree->arena, size);
	memcpy(stored, value, size);
	vec_push(&x->found, ((struct sqfs_xattr){copy, stored, size}));
}

/* Through /proc/self/fd/N/NAME: lgetxattrat(2) does not exist before Linux 6.13. */
static void read_xattrs(struct scan *s, int dir_fd, struct sqfs_node *node)
{
	char names[XATTR_LIST_MAX];
	CLEANUP(freep) char *path = xasprintf("/proc/self/fd/%d/%s", dir_fd, node->name);
	ssize_t n = llistxattr(path, names, sizeof(names));
	struct sqfs_xattr *copy;
	struct xattrs x = {0};

	for (const char *name = names; n > 0 && name < names + n;
	     name += strlen(name) + 1)
		if (xattr_has_use(name, XATTR_PACK))
			read_xattr(s, path, str_of(name), &x);
	if (x.found.len > 0) {
		qsort(x.found.items, x.found.len, sizeof(*x.found.items), compare_xattrs);
		copy = arena_array(s->tree->arena, x.found.len, sizeof(*copy));
		memcpy(copy, x.found.items, x.found.len * sizeof(*copy));
		node->xattrs = copy;
		node->n_xattrs = (uint32_t)x.found.len;
	}
	vec_free(&x.found);
}

/* ---- the tree ---- */

static struct err *scan_link(struct scan *s, int dir_fd, struct sqfs_node *node)
{
	char target[PATH_MAX + 1];
	ssize_t n = readlinkat(dir_fd, node->name, target, sizeof(target));

	if (n < 0)
		return err_sys("link");
	s->text_bytes += (uint64_t)n;
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

static struct err *check_size(const struct scan *s, const struct stat *st)
{
	/* The list of a file's block sizes has 32 bits for its length in bytes. */
	const uint64_t most = GIB(64 * 1024);
	struct size_limit limit = {
		.max = s->max_file > 0 && s->max_file < most ? s->max_file : most};

	return size_limit_add(&limit, (uint64_t)st->st_size);
}

static void take_stat(struct sqfs_node *node, const struct stat *st)
{
	node->mode = st->st_mode;
	node->uid = st->st_uid;
	node->gid = st->st_gid;
	node->mtime_s = st->st_mtim.tv_sec;
	node->links = 1;
	if (S_ISREG(st->st_mode))
		node->size = (uint64_t)st->st_size;
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		node->device = st->st_rdev;
}

static struct err *enter_folder(struct scan *s, int dir_fd, struct sqfs_node *node)
{
	TRY(folder_walk_enter(&s->walk, dir_fd, node->name));
	node->links = 2;
	node->children = arena_array(s->tree->arena, folder_walk_count(&s->walk),
				     sizeof(struct sqfs_node *));
	s->here = node;
	return NULL;
}

/* Look at an entry; the walk enters a folder, which is added when it is left. */
static struct err *scan_entry(struct scan *s, int dir_fd, struct sqfs_node *node)
{
	struct stat st;

	if (fstatat(dir_fd, node->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return err_sys("stat");
	take_stat(node, &st);
	if (!S_ISDIR(st.st_mode) && st.st_nlink > 1) {
		node->same = find_same(s, &st);
		if (node->same) {
			node->same->links++;
			return NULL;
		}
	}
	read_xattrs(s, dir_fd, node);
	if (S_ISDIR(st.st_mode))
		return enter_folder(s, dir_fd, node);
	tree_add(s->tree, node);
	if (S_ISREG(st.st_mode)) {
		TRY(check_size(s, &st));
		s->tree->file_bytes += node->size;
	}
	return S_ISLNK(st.st_mode) ? scan_link(s, dir_fd, node) : NULL;
}

static struct err *scan_child(struct scan *s, const char *name)
{
	struct sqfs_node *child = arena_alloc(s->tree->arena, sizeof(*child));

	s->text_bytes += strlen(name);
	if (s->text_bytes > TEXT_MAX)
		return err_new(
			ERR_UNSUPPORTED,
			"names, targets of links and attributes up to it have more "
			"than 128 MiB, for which there is no room in memory");
	child->name = arena_dup(s->tree->arena, str_of(name));
	child->parent = s->here;
	s->here->children[s->here->n_children++] = child;
	return scan_entry(s, folder_walk_fd(&s->walk), child);
}

static struct err *leave_folder(struct scan *s)
{
	tree_add(s->tree, s->here);
	s->here = s->here->parent;
	if (s->here)
		s->here->links++;
	return folder_walk_leave(&s->walk);
}

static struct err *scan_next(struct scan *s)
{
	size_t depth = folder_walk_depth(&s->walk);
	const char *name;

	TRY(folder_walk_next(&s->walk, &name));
	if (!name)
		return leave_folder(s);
	return folder_walk_blame(&s->walk, depth, name, scan_child(s, name));
}

static struct err *scan_all(struct scan *s, int root_fd)
{
	TRY(scan_entry(s, root_fd, s->tree->root));
	while (folder_walk_is_inside(&s->walk))
		TRY(scan_next(s));
	return NULL;
}

struct err *sqfs_tree_scan(int root_fd, uint64_t max_file, const struct cancel *cancel,
			   struct sqfs_tree **out)
{
	CLEANUP(sqfs_tree_freep) struct sqfs_tree *t = xcalloc(1, sizeof(*t));
	CLEANUP(scan_release)
	struct scan s = {
		.tree = t,
		.max_file = max_file,
		.walk = {.stop = cancel_stop(cancel)},
		.linked = INODE_SET_INIT,
	};

	t->arena = arena_new();
	t->root = arena_alloc(t->arena, sizeof(*t->root));
	t->root->name = ".";
	TRY(scan_all(&s, root_fd));
	*out = STEAL(t);
	return NULL;
}

void sqfs_tree_free(struct sqfs_tree *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_nodes; i++) {
		free(t->nodes[i]->inode);
		if (t->nodes[i]->has_holes)
			free(t->nodes[i]->runs);
	}
	free(t->nodes);
	arena_free(t->arena);
	free(t);
}

void sqfs_tree_freep(struct sqfs_tree **t)
{
	sqfs_tree_free(*t);
	*t = NULL;
}
