/* SPDX-License-Identifier: MIT
 * tree_walk.h - reading what a `%files` source holds: to name it, or to copy it.
 *
 * Purpose:   one walk, hashing names, types, modes, owners, links and contents on its
 *            way. With a visitor each thing is also copied, and what is hashed is what
 *            was written; without one it is a probe. Host files are probed by
 *            host_probe.h, which has much less to do for each of them.
 * Ownership: a walk borrows its request and visitor; tree_walk_release() ends it.
 * Threads:   a walk belongs to one thread.
 * Errors:    ERR_NOTFOUND (missing, or a dangling link on the host), ERR_SYS,
 *            ERR_NOSPACE, ERR_CANCELLED.
 */
#ifndef ENGINE_TREE_TREE_WALK_H
#define ENGINE_TREE_TREE_WALK_H

#include <sys/stat.h>

#include "base/folder_walk.h"
#include "base/inode_set.h"
#include "base/size_limit.h"
#include "engine/tree/copy_from.h"
#include "engine/tree/file_content.h"
#include "engine/tree/name_tree.h"

struct tree_list;

/* How deep folders may be nested.  Neither stack nor descriptors grow with the depth:
 * base/folder_walk.h. */
enum { TREE_DEPTH_MAX = 10000 };

/* Of the attributes that a copy keeps. */
enum { WALK_XATTRS_MAX = 4 };
struct walk_xattr {
	void *value; /* NULL: the file has none of that name */
	size_t size; /* bytes */
};

/* One thing that the walk meets. */
struct walk_entry {
	const char *path; /* below the named source; "" is the source itself */
	const char *name; /* last component; for the source itself: as the target chose */
	struct stat stat;
	const char *link;  /* text of a symbolic link, else NULL */
	const char *first; /* `path` under which this file was met before, else NULL */
	/* Of a file from a stage: one for each name of xattr_copied(); else NULL. */
	const struct walk_xattr *xattrs;
};

/* Makes at the target what the walk meets.  Folders nest: calls between enter and leave
 * are about that folder. */
struct walk_visitor {
	NODISCARD struct err *(*enter)(void *context, const struct walk_entry *entry);
	NODISCARD struct err *(*leave)(void *context, const struct walk_entry *entry);
	/* Open the file to write to, empty; `*fd` is closed by the walk, after finish. */
	NODISCARD struct err *(*file)(void *context, const struct walk_entry *entry,
				      int *fd);
	NODISCARD struct err *(*finish)(void *context, const struct walk_entry *entry,
					int fd);
	/* A link, fifo, device or socket, or another name of a file met before. */
	NODISCARD struct err *(*other)(void *context, const struct walk_entry *entry);
};

/* A folder that the walk is in. */
struct walk_level {
	struct stat stat;
	struct hasher *hasher; /* of its entries */
	uint32_t node;	       /* in the walk's names; 0 for the source itself */
};

/* What counts of the things that are met. */
struct walk_rules {
	enum copy_from from;
	/* From a stage: modification times count, those after `clamp_s` as `clamp_s`. */
	bool times_count;
	int64_t clamp_s;
	struct tree_list *list; /* gets what the sources hold; may be NULL */
};

struct tree_walk {
	const struct walk_rules *rules;
	const struct file_reading *files;
	struct hasher *hasher; /* of all sources */
	struct content_reader reader;
	struct size_limit limit;
	const struct walk_visitor *visitor; /* NULL: a probe */
	void *context;
	struct stat avoid;  /* the folder copied into, which must not be a source */
	const char *source; /* as written and expanded; for the list */
	/* ---- private ---- */
	const char *name; /* of the source, as the target chose it */
	struct folder_walk folders;
	VEC(struct walk_level) levels;
	struct inode_set seen; /* files with several names: their first one in `names` */
	struct name_tree names;
	struct digest entries; /* of the folder that was left last */
};

/* Both are borrowed for the life of the walk. */
void tree_walk_init(struct tree_walk *w, const struct walk_rules *rules,
		    const struct file_reading *files);
/* Open a source's name, which starts from `dir_fd` or is confined in it, without blocking
 * or reading (O_PATH); links are followed. */
NODISCARD struct err *tree_walk_open(enum copy_from from, int dir_fd, const char *path,
				     int *fd, struct stat *st);
/* Walk what `fd`, from tree_walk_open(), is open on; `name` is for its walk_entry. */
NODISCARD struct err *tree_walk_source(struct tree_walk *w, int fd, const char *name);
void tree_walk_release(struct tree_walk *w);
/* Open for reading what `fd` (O_PATH) is open on, which is known to be a regular file: no
 * name is looked up again, so that nothing else can have taken its place. */
NODISCARD struct err *tree_walk_reopen(int fd, int *out);

#endif
