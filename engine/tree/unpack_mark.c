/* SPDX-License-Identifier: MIT
 * unpack_mark.c - whiteouts and opaque marks of a layer.
 *
 * A mark hides what the layers below hold, never what its own layer brings, wherever in
 * the archive it stands (OCI image specification, "Whiteouts").  MERGED, the names below
 * are removed and overlayfs makes its own marks.  ALONE, an opaque mark becomes
 * overlayfs's.
 *
 * A whiteout could become overlayfs's too, a 0:0 device, but only where the folder exists
 * in a layer below: elsewhere overlayfs does not merge the folder, and listing it shows
 * the name of the device, which cannot be opened (seen on Linux 6.18).  Some tools do
 * write whiteouts of what never was.  So a layer with whiteouts wants its parents.
 */
#include "engine/tree/unpack_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fs.h"
#include "engine/tree/tree_names.h"

static struct err *set_opaque(int fd)
{
	if (fsetxattr(fd, "user.overlay.opaque", "y", 1, 0) != 0)
		return err_hint(err_sys("mark folder opaque"),
				"the layers' folder must lie on a filesystem with user "
				"xattrs, see DAGBUILD_LAYERDIR");
	return NULL;
}

struct err *writer_open_folder(int dir_fd, const char *name, int *out)
{
	return fs_open(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, out);
}

struct err *writer_hide_below(const struct writer *w, int folder_fd)
{
	return w->mode == UNPACK_ALONE ? set_opaque(folder_fd) : NULL;
}

static struct err *prune(struct writer *w, int dir_fd, const char *path);

static struct err *prune_entry(struct writer *w, int dir_fd, const char *path,
			       const char *name)
{
	CLEANUP(freep) char *full = xasprintf("%s/%s", path, name);
	CLEANUP(closep) int child = -1;
	struct stat st;

	if (!path_set_has(&w->made, str_of(full)))
		return fs_remove_tree(dir_fd, name);
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return err_sys("'%s'", full);
	if (!S_ISDIR(st.st_mode))
		return NULL;
	TRY(writer_open_folder(dir_fd, name, &child));
	return prune(w, child, full);
}

/* Remove from folder `path` what this layer did not make. */
static struct err *prune(struct writer *w, int dir_fd, const char *path)
{
	CLEANUP(path_list_release) struct path_list names = {0};

	TRY(tree_names(dir_fd, &names));
	for (size_t i = 0; i < names.len; i++)
		TRY(prune_entry(w, dir_fd, path, names.items[i]));
	return NULL;
}

static struct err *opaque(struct writer *w, const struct place *place)
{
	if (w->mode == UNPACK_MERGED)
		return prune(w, place->fd, place->real);
	/* overlayfs does not look for the mark on a root. */
	if (place->real[0] == '\0')
		return writer_want_parents(w, "its root is opaque");
	return set_opaque(place->fd);
}

static struct err *whiteout_merged(struct writer *w, const struct place *place,
				   const char *name)
{
	struct stat st;

	if (fstatat(place->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? NULL : err_sys("whiteout");
	return prune_entry(w, place->fd, place->real, name);
}

struct err *writer_mark(struct writer *w, const struct place *place, const char *name)
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
