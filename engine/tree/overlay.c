/* SPDX-License-Identifier: MIT
 * overlay.c - see overlay.h.
 *
 * mount(2) takes its options as one page, and the kernel silently cuts a longer text:
 * 4111 bytes were seen to lose the work folder.  So layers are named through a descriptor
 * of the folder that holds them, `/proc/self/fd/N/NAME`, which is short however deep the
 * store lies (and needs no chdir(2), which a threaded process must not call), and the
 * length is checked.  Some 130 layers fit; SNAPSHOT_MAX keeps chains shorter.
 */
#include "engine/tree/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/dir.h"
#include "base/fs.h"
#include "engine/tree/tree_xattr.h"

enum {
	OPTIONS_MAX = 4095, /* bytes, without the NUL: mount(2), one page */
	LAYERS_MAX = 500,   /* OVL_MAX_STACK of the kernel */
};

/*
 * Options besides the folders, from best to plainest; the kernel answers EINVAL to one it
 * does not know.  metacopy and redirect_dir may not be named with userxattr (EINVAL), and
 * are off then.  index=off: otherwise file handles bind an upper to its lowers, and it
 * cannot become a layer. volatile: nothing is synced; a step that crashes is discarded.
 */
static const char *const upper_options[] = {
	"userxattr,index=off,xino=auto,volatile",
	"userxattr,index=off,volatile",
	"userxattr,index=off",
};
static const char *const lower_options[] = {
	"userxattr,index=off,xino=auto",
	"userxattr,index=off",
};

static struct err *check_empty(const char *path)
{
	CLEANUP(dir_closep) DIR *dir = dir_open(AT_FDCWD, path, 0);

	if (!dir)
		return err_sys("'%s'", path);
	if (dir_next(dir))
		return err_new(ERR_SYS, "mount point '%s' is not empty", path);
	return errno ? err_sys("'%s'", path) : NULL;
}

/* Descriptors that the option text names. */
struct folders {
	int layers, upper, work, empty;
};

static void folders_release(struct folders *f)
{
	closep(&f->layers);
	closep(&f->upper);
	closep(&f->work);
	closep(&f->empty);
}

/*
 * overlayfs wants two lowers, or one and an upper.  When there are fewer, the mount point
 * itself is the lowest lower: it exists, is empty (checked), is ours, and the mount hides
 * it.  A bind mount would show whiteouts as the devices that they are.
 */
static bool wants_filler(const struct overlay_spec *spec)
{
	return spec->n_layers + (spec->upper ? 1 : 0) < 2;
}

static struct err *open_folder(const char *path, int *fd)
{
	return fs_open(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0, fd);
}

static struct err *open_upper(struct folders *f, const struct overlay_spec *spec)
{
	TRY(open_folder(spec->upper, &f->upper));
	return open_folder(spec->work, &f->work);
}

static struct err *open_filler(struct folders *f, const struct overlay_spec *spec)
{
	TRY(check_empty(spec->mount_point));
	return open_folder(spec->mount_point, &f->empty);
}

static struct err *folders_open(struct folders *f, const struct overlay_spec *spec)
{
	TRY(open_folder(spec->layer_root, &f->layers));
	if (spec->upper)
		TRY(open_upper(f, spec));
	return wants_filler(spec) ? open_filler(f, spec) : NULL;
}

static void put_folders(struct buf *out, const struct overlay_spec *spec,
			const struct folders *f)
{
	const char *colon = "";

	buf_puts(out, ",lowerdir=");
	for (size_t i = spec->n_layers; i > 0; i--) {
		buf_printf(out, "%s/proc/self/fd/%d/%s", colon, f->layers,
			   spec->layers[i - 1]);
		colon = ":";
	}
	if (f->empty >= 0)
		buf_printf(out, "%s/proc/self/fd/%d", colon, f->empty);
	if (f->upper >= 0)
		buf_printf(out, ",upperdir=/proc/self/fd/%d,workdir=/proc/self/fd/%d",
			   f->upper, f->work);
}

static struct err *mount_error(const struct overlay_spec *spec)
{
	int number = errno;
	struct err *e = err_sys("mount overlay on '%s'", spec->mount_point);

	switch (number) {
	case EPERM:
	case EACCES:
		return err_hint(
			err_recode(e, ERR_UNSUPPORTED),
			"overlayfs in a user namespace needs Linux 5.11 or later");
	case ENODEV:
		return err_hint(err_recode(e, ERR_UNSUPPORTED),
				"this kernel has no overlayfs (module 'overlay')");
	case EINVAL:
	case EOPNOTSUPP:
		return err_hint(err_recode(e, ERR_UNSUPPORTED),
				"the cache folder must lie on a local filesystem with "
				"user xattrs (ext4, xfs, btrfs; no NFS, no overlay), see "
				"DAGBUILD_CACHEDIR; the kernel log says more");
	default:
		return e;
	}
}

/* No layer and no upper: an empty root filesystem. */
static struct err *mount_empty(const char *mount_point)
{
	if (mount("tmpfs", mount_point, "tmpfs", MS_RDONLY | MS_NODEV,
		  "mode=0755,size=4k") != 0)
		return err_sys("mount tmpfs on '%s'", mount_point);
	return NULL;
}

struct err *overlay_mount(const struct overlay_spec *spec)
{
	CLEANUP(folders_release) struct folders folders = {-1, -1, -1, -1};
	const char *const *forms = spec->upper ? upper_options : lower_options;
	size_t n_forms =
		spec->upper ? ARRAY_LEN(upper_options) : ARRAY_LEN(lower_options);
	unsigned long flags = spec->upper ? 0 : MS_RDONLY;

	if (!spec->upper && spec->n_layers == 0)
		return mount_empty(spec->mount_point);
	TRY(folders_open(&folders, spec));
	for (size_t i = 0; i < n_forms; i++) {
		CLEANUP(buf_release) struct buf options = BUF_INIT;

		buf_puts(&options, forms[i]);
		put_folders(&options, spec, &folders);
		if (options.len > OPTIONS_MAX || spec->n_layers > LAYERS_MAX)
			return err_hint(
				err_new(ERR_UNSUPPORTED,
					"%zu layers are more than one overlay mount can "
					"name",
					spec->n_layers),
				"start from an image with fewer layers");
		if (mount("overlay", spec->mount_point, "overlay", flags,
			  buf_text(&options)) == 0)
			return NULL;
		if (errno != EINVAL)
			break;
	}
	return mount_error(spec);
}

struct err *overlay_unmount(const char *mount_point)
{
	if (umount2(mount_point, UMOUNT_NOFOLLOW) == 0)
		return NULL;
	if (errno != EBUSY)
		return err_sys("unmount '%s'", mount_point);
	/* A remaining reader (an indexer, say) must not fail the step: the name is free
	 * at once, the rest goes when the reader does. */
	if (umount2(mount_point, UMOUNT_NOFOLLOW | MNT_DETACH) != 0)
		return err_sys("unmount '%s'", mount_point);
	return NULL;
}

struct err *overlay_copy_folder(int from_fd, int to_fd)
{
	struct stat st;

	if (fstat(from_fd, &st) != 0)
		return err_sys("stat");
	/* It may have a list from the folder it was made in, which would change the
	 * mode. */
	TRY(tree_xattr_clear(to_fd));
	/* The owner first: chown(2) clears set-id bits and capabilities. */
	if (fchown(to_fd, st.st_uid, st.st_gid) != 0 ||
	    fchmod(to_fd, st.st_mode & 07777) != 0)
		return err_sys("set owner and mode");
	TRY(tree_xattr_copy(from_fd, to_fd));
	if (futimens(to_fd, (struct timespec[]){st.st_mtim, st.st_mtim}) != 0)
		return err_sys("set times");
	return NULL;
}

struct err *overlay_prepare_upper(const struct overlay_spec *spec)
{
	CLEANUP(closep) int layers = -1;
	CLEANUP(closep) int from = -1;
	CLEANUP(closep) int to = -1;
	const char *top;

	TRY(fs_open(AT_FDCWD, spec->upper, O_RDONLY | O_DIRECTORY, 0, &to));
	if (spec->n_layers == 0) {
		if (fchown(to, 0, 0) != 0 || fchmod(to, 0755) != 0)
			return err_sys("'%s'", spec->upper);
		return NULL;
	}
	top = spec->layers[spec->n_layers - 1];
	TRY(open_folder(spec->layer_root, &layers));
	TRY(fs_open(layers, top, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &from));
	return err_wrap(overlay_copy_folder(from, to), "'%s'", spec->upper);
}

struct err *overlay_finish_upper(const char *upper)
{
	/* opaque is not among them: a root never has it, since it means nothing there. */
	static const char *const marks[] = {
		"user.overlay.impure",	 "user.overlay.origin", "user.overlay.uuid",
		"user.overlay.redirect", "user.overlay.nlink",	"user.overlay.upper",
	};
	CLEANUP(closep) int fd = -1;

	TRY(fs_open(AT_FDCWD, upper, O_RDONLY | O_DIRECTORY, 0, &fd));
	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (fremovexattr(fd, marks[i]) != 0 && errno != ENODATA &&
		    errno != EOPNOTSUPP)
			return err_sys("'%s': remove '%s'", upper, marks[i]);
	return NULL;
}
