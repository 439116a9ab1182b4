/* SPDX-License-Identifier: MIT
 * copy_stage.c - what a copy from another stage, or from a root filesystem, makes.
 *
 * Owners, modes (with set-id bits), times, links, hard links and some attributes of files
 * (base/xattr_rules.c) are kept.  The named folder itself is made 0755 root, or left as
 * it is, as Apptainer does, unless it is a root filesystem.  What is in the way is
 * replaced, but a folder is not replaced by anything else: Apptainer silently deletes it
 * with everything in it, which no user wants.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/path.h"
#include "base/xattr_rules.h"
#include "engine/tree/copy_target.h"

static bool is_named(const struct walk_entry *entry)
{
	return entry->path[0] == '\0';
}

/* The named folder, which does not get what its source has. */
static bool is_bare(const struct copy_target *t, const struct walk_entry *entry)
{
	return is_named(entry) && !t->keeps_named;
}

/* Clear `name` for something that is not a folder. */
static struct err *clear_way(const struct copy_target *t, const char *name)
{
	mode_t mode;

	TRY(copy_target_look(t, name, &mode));
	if (S_ISDIR(mode))
		return err_hint(
			copy_target_in_way(t, name, mode),
			"a folder is not replaced by something else; remove it in "
			"%%post of the stage before, or choose another name");
	if (mode && unlinkat(copy_target_fd(t), name, 0) != 0)
		return err_sys("replace '%s/%s'", copy_target_here(t), name);
	return NULL;
}

static struct err *set_owner_at(int dir_fd, const char *name, const struct stat *st)
{
	if (fchownat(dir_fd, name, st->st_uid, st->st_gid,
		     AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) == 0)
		return NULL;
	return err_sys("set owner %u:%u", st->st_uid, st->st_gid);
}

static struct err *make_folder(const struct copy_target *t,
			       const struct walk_entry *entry, bool *is_new)
{
	int here = copy_target_fd(t);
	mode_t mode;

	TRY(copy_target_look(t, entry->name, &mode));
	*is_new = !S_ISDIR(mode);
	if (!*is_new)
		return NULL;
	if (mode && is_named(entry))
		return copy_target_in_way(t, entry->name, mode);
	if (mode && unlinkat(here, entry->name, 0) != 0)
		return err_sys("replace '%s/%s'", copy_target_here(t), entry->name);
	if (mkdirat(here, entry->name, 0700) != 0)
		return err_sys("make folder '%s/%s'", copy_target_here(t), entry->name);
	return NULL;
}

static struct err *stage_enter(void *context, const struct walk_entry *entry)
{
	struct copy_target *t = context;
	mode_t mode = is_bare(t, entry) ? 0755 : entry->stat.st_mode & 07777;
	bool is_new;

	TRY(make_folder(t, entry, &is_new));
	TRY(copy_target_enter(t, entry->name));
	if (is_bare(t, entry) && !is_new)
		return NULL;
	/* The owner first: chown(2) clears set-id bits. */
	if (!is_bare(t, entry))
		TRY(set_owner_at(copy_target_fd(t), "", &entry->stat));
	if (fchmod(copy_target_fd(t), mode) != 0)
		return err_sys("set mode of '%s'", copy_target_here(t));
	return NULL;
}

static struct err *set_times(int fd, const struct walk_entry *entry)
{
	if (futimens(fd, (struct timespec[]){entry->stat.st_mtim, entry->stat.st_mtim}) !=
	    0)
		return err_sys("set times");
	return NULL;
}

static struct err *stage_leave(void *context, const struct walk_entry *entry)
{
	struct copy_target *t = context;

	if (!is_bare(t, entry))
		TRY(set_times(copy_target_fd(t), entry));
	return copy_target_leave(t);
}

static struct err *stage_file(void *context, const struct walk_entry *entry, int *fd)
{
	const struct copy_target *t = context;

	TRY(clear_way(t, entry->name));
	return fs_open(copy_target_fd(t), entry->name,
		       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600, fd);
}

static struct err *set_xattrs(int fd, const struct walk_entry *entry)
{
	const char *name;

	for (size_t i = 0; (name = xattr_copied(i)) != NULL; i++)
		if (entry->xattrs && entry->xattrs[i].value &&
		    fsetxattr(fd, name, entry->xattrs[i].value, entry->xattrs[i].size,
			      0) != 0)
			return err_sys("set '%s'", name);
	return NULL;
}

static struct err *stage_finish(void *context, const struct walk_entry *entry, int fd)
{
	(void)context;
	TRY(set_owner_at(fd, "", &entry->stat));
	if (fchmod(fd, entry->stat.st_mode & 07777) != 0)
		return err_sys("set mode");
	TRY(set_xattrs(fd, entry));
	return set_times(fd, entry);
}

static struct err *link_again(const struct copy_target *t, const struct walk_entry *entry)
{
	CLEANUP(freep) char *path = path_join(t->path, entry->first);
	CLEANUP(closep) int dir = -1;
	const char *name;

	TRY(path_open_parent(t->root_fd, path, &dir, &name));
	if (linkat(dir, name, copy_target_fd(t), entry->name, 0) != 0)
		return err_sys("link '%s/%s' to '%s'", copy_target_here(t), entry->name,
			       path);
	return NULL;
}

static int make_node(const struct copy_target *t, const struct walk_entry *entry)
{
	int here = copy_target_fd(t);

	if (entry->link)
		return symlinkat(entry->link, here, entry->name);
	return mkfifoat(here, entry->name, 0600);
}

static struct err *stage_other(void *context, const struct walk_entry *entry)
{
	const struct copy_target *t = context;
	int here = copy_target_fd(t);
	struct timespec times[] = {entry->stat.st_mtim, entry->stat.st_mtim};

	if (!entry->first && !entry->link && !S_ISFIFO(entry->stat.st_mode)) {
		log_debug("copy", "device or socket '%s' is left out", entry->path);
		return NULL;
	}
	TRY(clear_way(t, entry->name));
	if (entry->first)
		return link_again(t, entry);
	if (make_node(t, entry) != 0)
		return err_sys("make '%s/%s'", copy_target_here(t), entry->name);
	TRY(set_owner_at(here, entry->name, &entry->stat));
	if (!entry->link &&
	    fchmodat(here, entry->name, entry->stat.st_mode & 07777, 0) != 0)
		return err_sys("set mode of '%s/%s'", copy_target_here(t), entry->name);
	if (utimensat(here, entry->name, times, AT_SYMLINK_NOFOLLOW) != 0)
		return err_sys("set times of '%s/%s'", copy_target_here(t), entry->name);
	return NULL;
}

const struct walk_visitor copy_stage_visitor = {
	.enter = stage_enter,
	.leave = stage_leave,
	.file = stage_file,
	.finish = stage_finish,
	.other = stage_other,
};
