/* SPDX-License-Identifier: MIT
 * unpack_writer.h - applies the entries of a layer, or of an image, to a folder.
 *
 * Purpose:   the rules for layers (OCI image specification, "Image Layer Filesystem
 *            Changeset"): whiteouts, opaque folders, what replaces what, hard links, and
 *            metadata. Every path is resolved inside the root by openat2(2). The archive
 *            is only read by libarchive; nothing of its writing half is used (it flips
 *            the umask for each entry: libarchive issue 1876).
 *
 *            Four modes. FIRST: nothing lies below, so marks are ignored and parents may
 *            be implied. ALONE: the folder is the layer itself, in overlayfs form; the
 *            writer asks for parents when it cannot decide something without the layers
 *            below. MERGED: the root is a mounted overlay of the parents, everything is
 *            plain file operations, and overlayfs makes the marks. IMAGE: as FIRST, but
 *            these are no layer's entries, and no name is a mark.
 * Ownership: writer_release() ends it; the root descriptor is borrowed.
 * Threads:   one; the process's umask must be 0.
 * Errors:    ERR_CORRUPT, ERR_NOSPACE, ERR_SYS; when `wants_parents` is set after an
 *            error, it is not one.
 */
#ifndef ENGINE_UNPACK_UNPACK_WRITER_H
#define ENGINE_UNPACK_UNPACK_WRITER_H

#include "engine/unpack/archive_lib.h"
#include <time.h>

#include "base/err.h"
#include "base/size_limit.h"
#include "base/vec.h"
#include "engine/unpack/path_set.h"
#include "engine/unpack/unpack.h"
#include "engine/unpack/unpack_entries.h"

enum unpack_mode {
	UNPACK_FIRST,
	UNPACK_ALONE,
	UNPACK_MERGED,
	UNPACK_IMAGE,
	UNPACK_MODES,
};

/* An open folder that an entry lies in. */
struct unpack_place {
	int fd;	    /* O_RDONLY; -1: none */
	char *path; /* as the archive names it; key of the cache of one */
	char *real; /* absolute inside the root, "" for the root; MERGED: without links */
	struct timespec mtime; /* which the folder must keep */
};

/* A hard link whose target did not exist yet. */
struct late_link {
	char *path, *target;
};

/* What an archive may make. */
struct unpack_limits {
	uint64_t max_bytes; /* of data */
	uint64_t
		max_file; /* of a file and of all together, holes included; 0: no limit */
};

struct unpack_writer {
	enum unpack_mode mode;
	int root_fd; /* borrowed; not O_PATH */
	uint64_t bytes_max;
	struct size_limit limit;
	struct unpack_place here;
	VEC(struct late_link) late_links;
	size_t late_bytes;
	struct path_set made; /* MERGED: what this layer brought, and folders above */
	bool wants_parents;   /* ALONE: start again, MERGED */
	struct unpack_result result;
};

NODISCARD struct err *writer_init(struct unpack_writer *w, int root_fd,
				  enum unpack_mode mode,
				  const struct unpack_limits *limits);
/* Apply `entry`, whose data, if any, is next in `from`. */
NODISCARD struct err *writer_apply(struct unpack_writer *w,
				   const struct unpack_entries *from,
				   struct archive_entry *entry);
/* Make the links that waited, and restore the time of the last folder. */
NODISCARD struct err *writer_finish(struct unpack_writer *w);
void writer_release(struct unpack_writer *w);

/* Between the files of the writer: */

/* unpack_place.c: put `folder` into `p`, whose present folder gets its time back.  If
 * `folder` is missing, it is made with the time `maker`, that of the entry that needs it;
 * with `maker` NULL `p->fd` stays -1.  ALONE it must exist without a link on the way: the
 * layers below may hold a link there, which would lead this layer's files elsewhere. */
NODISCARD struct err *place_open(struct unpack_writer *w, const char *folder,
				 const struct timespec *maker, struct unpack_place *p);
/* Give the folder its time back, and close it. */
NODISCARD struct err *place_leave(struct unpack_place *p);
void place_release(struct unpack_place *p);
NODISCARD struct err *writer_keep_time(int folder_fd, struct timespec mtime);

/* unpack_link.c: the hard link at `path` (clean), whose folder is the present one, to the
 * file `link`. */
NODISCARD struct err *writer_link(struct unpack_writer *w, const char *path,
				  const char *link);
NODISCARD struct err *writer_finish_links(struct unpack_writer *w);

/* Note for marks what this layer brought; `path` as place.real. */
void writer_note_made(struct unpack_writer *w, const char *path);
/* Turn errors that a sound archive cannot cause into ERR_CORRUPT. */
NODISCARD struct err *writer_blame_archive(struct err *e);

/* A whiteout or opaque mark named `name` (with its `.wh.`) in folder `place`. */
NODISCARD struct err *writer_mark(struct unpack_writer *w,
				  const struct unpack_place *place, const char *name);
/* A folder took the place of something else: nothing under its name in the layers below
 * may show through. */
NODISCARD struct err *writer_hide_below(const struct unpack_writer *w, int folder_fd);
NODISCARD struct err *writer_open_folder(int dir_fd, const char *name, int *out);
/* Say that the layers below must decide. */
NODISCARD struct err *writer_want_parents(struct unpack_writer *w, const char *reason);

#endif
