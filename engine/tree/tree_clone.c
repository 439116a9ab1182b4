/* SPDX-License-Identifier: MIT
 * tree_clone.c - see tree_clone.h.
 *
 * The folder aside has each file with several names under a number, so that it is found
 * again however deep its first name lies.
 */
#include "engine/tree/tree_clone.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/content.h"
#include "base/folder_walk.h"
#include "base/fs.h"
#include "base/inode_set.h"
#include "engine/tree/overlay.h"
#include "engine/tree/tree_xattr.h"

enum { NUMBER_SIZE = 24 };

struct clone {
	const struct clone_request *request;
	struct folder_walk from;
	struct dir_chain to;
	struct content_reader reader;
	struct inode_set linked; /* inode to the number in the folder aside */
	size_t n_linked;
};

static void clone_release(struct clone *c)
{
	folder_walk_release(&c->from);
	dir_chain_release(&c->to);
	content_reader_release(&c->reader);
	inode_set_release(&c->linked);
}

static struct err *enter(struct clone *c, const char *name)
{
	int to = dir_chain_fd(&c->to), fd = -1;

	if (mkdirat(to, name, 0700) != 0)
		return err_sys("make folder");
	TRY(fs_open(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &fd));
	TRY(dir_chain_push(&c->to, fd));
	return folder_walk_enter(&c->from, folder_walk_fd(&c->from), name);
}

static struct err *leave(struct clone *c)
{
	/* Now nothing more will be made in it. */
	TRY(overlay_copy_folder(folder_walk_fd(&c->from), dir_chain_fd(&c->to)));
	TRY(folder_walk_leave(&c->from));
	return dir_chain_pop(&c->to);
}

static struct err *copy_file(struct clone *c, const char *name, const struct stat *st)
{
	CLEANUP(closep) int in = -1, out = -1;

	TRY(fs_open(folder_walk_fd(&c->from), name, O_RDONLY | O_NOFOLLOW, 0, &in));
	TRY(fs_open(dir_chain_fd(&c->to), name, O_WRONLY | O_CREAT | O_EXCL, 0600, &out));
	TRY(content_read(&c->reader, in, out, NULL));
	/* The owner first: chown(2) clears set-id bits and capabilities. */
	if (fchown(out, st->st_uid, st->st_gid) != 0 ||
	    fchmod(out, st->st_mode & 07777) != 0)
		return err_sys("set owner and mode");
	TRY(tree_xattr_copy(in, out));
	if (futimens(out, (struct timespec[]){st->st_mtim, st->st_mtim}) != 0)
		return err_sys("set times");
	return NULL;
}

static struct err *make_node(const struct clone *c, const char *name,
			     const struct stat *st)
{
	char text[PATH_MAX + 1];
	ssize_t n;

	if (!S_ISLNK(st->st_mode))
		return mknodat(dir_chain_fd(&c->to), name, st->st_mode, st->st_rdev) == 0
			       ? NULL
			       : err_sys("make");
	n = readlinkat(folder_walk_fd(&c->from), name, text, PATH_MAX);
	if (n < 0)
		return err_sys("read link");
	text[n] = '\0';
	return symlinkat(text, dir_chain_fd(&c->to), name) == 0 ? NULL
								: err_sys("make link");
}

static struct err *copy_node(const struct clone *c, const char *name,
			     const struct stat *st)
{
	int to = dir_chain_fd(&c->to);

	TRY(make_node(c, name, st));
	if (fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) != 0 ||
	    (!S_ISLNK(st->st_mode) && fchmodat(to, name, st->st_mode & 07777, 0) != 0))
		return err_sys("set owner and mode");
	if (utimensat(to, name, (struct timespec[]){st->st_mtim, st->st_mtim},
		      AT_SYMLINK_NOFOLLOW) != 0)
		return err_sys("set times");
	return NULL;
}

static struct err *copy_any(struct clone *c, const char *name, const struct stat *st)
{
	return S_ISREG(st->st_mode) ? copy_file(c, name, st) : copy_node(c, name, st);
}

static struct err *copy_linked(struct clone *c, const char *name, const struct stat *st)
{
	int to = dir_chain_fd(&c->to), aside = c->request->aside_fd;
	size_t met = inode_set_meet(&c->linked, st, c->n_linked + 1);
	char number[NUMBER_SIZE];

	snprintf(number, sizeof(number), "%zu", met > 0 ? met : c->n_linked + 1);
	if (met > 0)
		return linkat(aside, number, to, name, 0) == 0 ? NULL : err_sys("link");
	c->n_linked++;
	TRY(copy_any(c, name, st));
	return linkat(to, name, aside, number, 0) == 0 ? NULL : err_sys("link");
}

static struct err *copy_entry(struct clone *c, const char *name)
{
	struct stat st;

	if (fstatat(folder_walk_fd(&c->from), name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return err_sys("stat");
	if (S_ISDIR(st.st_mode))
		return enter(c, name);
	return st.st_nlink > 1 ? copy_linked(c, name, &st) : copy_any(c, name, &st);
}

static struct err *begin(struct clone *c)
{
	int fd = -1;

	TRY(fs_open(c->request->to_fd, ".", O_RDONLY | O_DIRECTORY, 0, &fd));
	TRY(dir_chain_push(&c->to, fd));
	return folder_walk_enter(&c->from, c->request->from_fd, ".");
}

struct err *tree_clone(const struct clone_request *request)
{
	CLEANUP(clone_release)
	struct clone c = {
		.request = request,
		.from = {.stop = request->stop},
		.to = DIR_CHAIN_INIT,
		.reader = {.stop = request->stop,
			   .progress = request->progress,
			   .context = request->context},
		.linked = INODE_SET_INIT,
	};
	const char *name;

	TRY(begin(&c));
	while (folder_walk_is_inside(&c.from)) {
		size_t depth = folder_walk_depth(&c.from);

		TRY(folder_walk_next(&c.from, &name));
		if (name)
			TRY(folder_walk_blame(&c.from, depth, name,
					      copy_entry(&c, name)));
		else
			TRY(leave(&c));
	}
	return NULL;
}
