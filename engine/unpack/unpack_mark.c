/* SPDX-License-Identifier: MIT
 * unpack_mark.c - whiteouts and opaque marks of a layer.
 *
 * A mark hides what the layers below hold, never what its own layer brings, wherever the
 * mark is in the archive (OCI image specification, "Whiteouts").  In MERGED mode the
 * names below are removed, and overlayfs makes its own marks.  In ALONE mode an opaque
 * mark becomes overlayfs's.
 *
 * A whiteout could also become overlayfs's, a 0:0 device, but only where the folder
 * exists in a layer below: elsewhere overlayfs does not merge the folder, and listing it
 * shows the name of the device, which cannot be opened (seen on Linux 6.18).  Some tools
 * do write whiteouts of names that never existed.  So a layer with whiteouts needs its
 * parents.
 */
#include "engine/unpack/unpack_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/folder_walk.h"
#include "base/fs.h"
#include "base/path.h"

static struct err *set_opaque(int fd)
{
	if (fsetxattr(fd, "user.overlay.opaque", "y", 1, 0) != 0)
		return err_hint(
			err_sys("mark folder opaque"),
			"the cache must lie on a filesystem with user attributes: "
			"see DAGBUILD_CACHEDIR");
	return NULL;
}

struct err *writer_open_folder(int dir_fd, const char *name, int *out)
{
	return fs_open(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, out);
}

struct err *writer_hide_below(const struct unpack_writer *w, int folder_fd)
{
	return w->mode == UNPACK_ALONE ? set_opaque(folder_fd) : NULL;
}

/* Folders that the pruning is in, and the times that they must keep. */
struct pruning {
	struct unpack_writer *w;
	struct folder_walk walk;
	VEC(struct timespec) mtimes;
};

static void pruning_release(struct pruning *p)
{
	folder_walk_release(&p->walk);
	vec_free(&p->mtimes);
}

/* `path` is what lies at `name` of `dir_fd`, as place.real.  What this layer did not make
 * is removed; a folder that it made is entered. */
static struct err *prune_entry(struct pruning *p, int dir_fd, const char *path,
			       const char *name)
{
	struct stat st;

	if (!path_set_has(&p->w->made, str_of(path)))
		return fs_remove_tree(dir_fd, name);
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return err_sys("'%s'", path);
	if (!S_ISDIR(st.st_mode))
		return NULL;
	vec_push(&p->mtimes, st.st_mtim);
	return folder_walk_enter(&p->walk, dir_fd, name);
}

static struct err *prune_next(struct pruning *p, const char *top)
{
	CLEANUP(freep) char *below = NULL;
	CLEANUP(freep) char *path = NULL;
	const char *name;
	int fd = folder_walk_fd(&p->walk);

	TRY(folder_walk_next(&p->walk, &name));
	if (!name) {
		TRY(writer_keep_time(fd, p->mtimes.items[--p->mtimes.len]));
		return folder_walk_leave(&p->walk);
	}
	below = folder_walk_path_of(&p->walk, name);
	path = xasprintf("%s/%s", top, below);
	return prune_entry(p, fd, path, path_base(path));
}

/* Remove from `name` of `dir_fd`, which is `path`, what this layer did not make; with
 * `itself` false, `name` itself stays in any case. */
static struct err *prune(struct unpack_writer *w, int dir_fd, const char *path,
			 const char *name, bool itself)
{
	CLEANUP(pruning_release) struct pruning p = {.w = w};
	struct stat st;

	if (itself) {
		TRY(prune_entry(&p, dir_fd, path, name));
	} else {
		if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			return err_sys("'%s'", path);
		vec_push(&p.mtimes, st.st_mtim);
		TRY(folder_walk_enter(&p.walk, dir_fd, name));
	}
	while (folder_walk_is_inside(&p.walk))
		TRY(prune_next(&p, path));
	return NULL;
}

static struct err *opaque(struct unpack_writer *w, const struct unpack_place *place)
{
	if (w->mode == UNPACK_MERGED)
		return prune(w, place->fd, place->real, ".", false);
	/* overlayfs does not look for the mark on a root. */
	if (place->real[0] == '\0')
		return writer_want_parents(w, "its root is opaque");
	return set_opaque(place->fd);
}

static struct err *whiteout_merged(struct unpack_writer *w,
				   const struct unpack_place *place, const char *name)
{
	CLEANUP(freep) char *path = xasprintf("%s/%s", place->real, name);
	struct stat st;

	if (fstatat(place->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? NULL : err_sys("whiteout");
	return prune(w, place->fd, path, name, true);
}

struct err *writer_mark(struct unpack_writer *w, const struct unpack_place *place,
			const char *name)
{
	const char *hidden = name + strlen(".wh.");

	if (strcmp(name, ".wh..wh..opq") == 0)
		return opaque(w, place);
	/* Others of this form are aufs's own (plink, orph), and hide nothing. */
	if (str_starts_with(str_of(hidden), ".wh."))
		return NULL;
	if (hidden[0] == '\0' || strcmp(hidden, ".") == 0 || strcmp(hidden, "..") == 0)
		return err_new(ERR_CORRUPT, "whiteout of nothing");
	if (w->mode == UNPACK_ALONE)
		return writer_want_parents(w, "it hides a file of a lower layer");
	return whiteout_merged(w, place, hidden);
}
