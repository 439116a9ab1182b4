/* SPDX-License-Identifier: MIT
 * unpack_writer.h - applies one layer's tar entries to a folder.
 *
 * Purpose:   the rules for layers (OCI image specification, "Image Layer Filesystem
 *            Changeset"): whiteouts, opaque folders, what replaces what, hard links, and
 *            metadata. Every path is resolved inside the root by openat2(2). The archive
 *            is only read by libarchive; nothing of its writing half is used (it flips
 *            the umask for each entry: libarchive issue 1876).
 *
 *            Three modes. FIRST: nothing lies below, so marks are ignored and parents
 *            may be implied. ALONE: the folder is the layer itself, in overlayfs form;
 *            what cannot be decided without the layers below makes the writer want
 *            parents. MERGED: the root is a mounted overlay of the parents, everything
 *            is plain file operations, and overlayfs makes the marks.
 * Ownership: writer_release() ends it; the root descriptor is borrowed.
 * Threads:   one; the process's umask must be 0.
 * Errors:    ERR_CORRUPT, ERR_NOSPACE, ERR_SYS; when `wants_parents` is set after an
 *            error, it is not one.
 */
#ifndef ENGINE_TREE_UNPACK_WRITER_H
#define ENGINE_TREE_UNPACK_WRITER_H

#include "engine/tree/archive_lib.h"
#include <time.h>

#include "base/err.h"
#include "base/vec.h"
#include "engine/tree/path_set.h"
#include "engine/tree/unpack.h"
#include "engine/tree/unpack_stream.h"

enum unpack_mode {
	UNPACK_FIRST,
	UNPACK_ALONE,
	UNPACK_MERGED,
	UNPACK_MODES,
};

/* An open folder that an entry lies in. */
struct place {
	int fd;	    /* O_RDONLY; -1: none */
	char *path; /* as the archive names it; for the cache of one */
	char *real; /* absolute inside the root, without links; "" for the root */
};

/* A folder's times are set at the end: entries made below it change them. */
struct folder_time {
	char *path; /* as place.real */
	struct timespec mtime;
};

/* A hard link whose target was not there yet. */
struct late_link {
	char *path, *target;
};

struct writer {
	enum unpack_mode mode;
	int root_fd;	 /* borrowed; not O_PATH */
	char *root_real; /* where the kernel says that it lies */
	uint64_t bytes_max;
	struct place here;
	VEC(struct folder_time) times;
	VEC(struct late_link) late_links;
	struct path_set made;	 /* MERGED: what this layer brought, and folders above */
	struct path_set touched; /* MERGED: folders whose times are in `times` */
	bool wants_parents;	 /* ALONE: start again, MERGED */
	struct unpack_result result;
};

NODISCARD struct err *writer_init(struct writer *w, int root_fd, enum unpack_mode mode,
				  uint64_t bytes_max);
/* Apply `entry`, whose data, if any, is next in `stream`. */
NODISCARD struct err *writer_apply(struct writer *w, struct unpack_stream *stream,
				   struct archive_entry *entry);
/* Links that waited, and the times of folders. */
NODISCARD struct err *writer_finish(struct writer *w);
void writer_release(struct writer *w);

/* Between unpack_writer.c and unpack_mark.c: */

/* A whiteout or opaque mark named `name` (with its `.wh.`) in folder `place`. */
NODISCARD struct err *writer_mark(struct writer *w, const struct place *place,
				  const char *name);
/* A folder took the place of something else: nothing that the layers below hold under its
 * name may show through. */
NODISCARD struct err *writer_hide_below(const struct writer *w, int folder_fd);
NODISCARD struct err *writer_open_folder(int dir_fd, const char *name, int *out);
/* Say that the layers below must decide. */
NODISCARD struct err *writer_want_parents(struct writer *w, const char *reason);

#endif
