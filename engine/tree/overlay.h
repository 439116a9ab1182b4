/* SPDX-License-Identifier: MIT
 * overlay.h - mounting a chain of layers.
 *
 * Purpose:   one overlayfs mount from folders of layers, always with `userxattr` marks.
 *            Mounts are made in the caller's mount namespace, which must be private. What
 *            is written is not synced (`volatile`, where the kernel knows it): remove
 *            `work` after unmounting, since it cannot be mounted again, and sync the
 *            upper before it counts.
 * Ownership: what is mounted stays until overlay_unmount() or the namespace's end.
 * Threads:   any.
 * Errors:    ERR_UNSUPPORTED when this kernel or filesystem cannot do it (with a hint),
 *            or for more layers than fit into the mount options (some 130); ERR_SYS.
 */
#ifndef ENGINE_TREE_OVERLAY_H
#define ENGINE_TREE_OVERLAY_H

#include "base/err.h"

struct overlay_spec {
	const char *layer_root;	   /* absolute path of the folder that holds the layers */
	const char *const *layers; /* names below it, bottom first */
	size_t n_layers;	   /* may be 0 */
	const char *upper;	   /* absolute; NULL mounts read-only */
	const char *work;	   /* absolute, empty, on upper's filesystem */
	const char *mount_point;   /* absolute, an existing, empty folder */
};

NODISCARD struct err *overlay_mount(const struct overlay_spec *spec);
/* A mount that is still in use disappears from its path at once, and ends with its last
 * user. */
NODISCARD struct err *overlay_unmount(const char *mount_point);
/* Give a new, empty upper folder `upper` the mode, owner, xattrs (except overlay marks)
 * and times of the root of the topmost of `layers`; without layers 0755 root. */
NODISCARD struct err *overlay_prepare_upper(const struct overlay_spec *spec);
/* Give folder `to_fd` the owner, mode, xattrs (except overlay marks) and times of
 * `from_fd`, in the place of its own. */
NODISCARD struct err *overlay_copy_folder(int from_fd, int to_fd);
/* Remove what a finished mount leaves in an upper: root marks such as
 * user.overlay.impure. */
NODISCARD struct err *overlay_finish_upper(const char *upper);

#endif
