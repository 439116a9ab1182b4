/* SPDX-License-Identifier: MIT
 * links_join.c - see links.h: what was one file becomes one again.
 *
 * Below is mounted, so that what the layers hide of one another is hidden here, too; in
 * one mount all files have the inode numbers of their layers' filesystem.  The upper is
 * changed as a plain folder: a new link there hides the name below.  Paths are followed
 * folder by folder, and links are not followed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/folder_walk.h"
#include "base/fs.h"
#include "base/inode_set.h"
#include "base/str.h"
#include "engine/tree/links_private.h"
#include "engine/tree/overlay.h"

static const char TEMPORARY[] = ".dagbuild-links.tmp";

/* One file with several names below. */
struct group {
	struct stat below;
	VEC(const char *) changed; /* its names in the upper; of the list */
	VEC(char *) untouched;	   /* those that still show the file below */
};

struct join {
	struct links *list;
	int upper, below;
	VEC(struct group) groups;
	struct inode_set by_below, by_upper; /* inode to number in `groups`, plus 1 */
};

/* For a file that is in no group. */
static const size_t NONE = SIZE_MAX;

static void join_release(struct join *j)
{
	for (size_t i = 0; i < j->groups.len; i++) {
		struct group *g = &j->groups.items[i];

		for (size_t k = 0; k < g->untouched.len; k++)
			free(g->untouched.items[k]);
		vec_free(&g->untouched);
		vec_free(&g->changed);
	}
	vec_free(&j->groups);
	inode_set_release(&j->by_below);
	inode_set_release(&j->by_upper);
}

/* ---- paths ---- */

static struct err *open_folder(int dir_fd, const char *name, int *fd)
{
	return fs_open(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, fd);
}

/* The next folder of `*rest`, "a/b/c", for free(); NULL when only the name is left. */
static char *next_folder(const char **rest)
{
	const char *slash = strchr(*rest, '/');
	char *folder;

	if (!slash)
		return NULL;
	folder = xstrndup(*rest, (size_t)(slash - *rest));
	*rest = slash + 1;
	return folder;
}

/* The folder that holds `path`; ERR_NOTFOUND, or ERR_SYS with ENOTDIR or ELOOP. */
static struct err *open_parent(int root_fd, const char *path, int *out, const char **name)
{
	CLEANUP(closep) int here = -1;
	char *folder;

	TRY(open_folder(root_fd, ".", &here));
	while ((folder = next_folder(&path)) != NULL) {
		CLEANUP(freep) char *own = folder;
		int next = -1;

		TRY(open_folder(here, own, &next));
		closep(&here);
		here = next;
	}
	*name = path;
	*out = steal_fd(&here);
	return NULL;
}

static struct err *stat_path(int root_fd, const char *path, struct stat *st)
{
	CLEANUP(closep) int dir = -1;
	const char *name;

	TRY(open_parent(root_fd, path, &dir, &name));
	if (fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW) != 0)
		return err_sys("'%s'", path);
	return NULL;
}

static bool is_opaque(int fd)
{
	char value = 0;

	return fgetxattr(fd, "user.overlay.opaque", &value, 1) == 1 && value == 'y';
}

/* Does the name still show what lies below?  Then the upper has nothing in its place, and
 * the upper's folders above it are merged with those below. */
static struct err *shows_below(int upper_fd, const char *path, bool *out)
{
	CLEANUP(closep) int here = -1;
	struct stat st;
	char *folder;

	*out = false;
	TRY(open_folder(upper_fd, ".", &here));
	while ((folder = next_folder(&path)) != NULL) {
		CLEANUP(freep) char *own = folder;
		int next = -1;

		if (fstatat(here, own, &st, AT_SYMLINK_NOFOLLOW) != 0) {
			*out = errno == ENOENT;
			return *out ? NULL : err_sys("'%s'", own);
		}
		if (!S_ISDIR(st.st_mode))
			return NULL;
		TRY(open_folder(here, own, &next));
		closep(&here);
		here = next;
		if (is_opaque(here))
			return NULL;
	}
	*out = fstatat(here, path, &st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT;
	return NULL;
}

/* ---- the groups ---- */

static struct group *group_of(struct join *j, const struct stat *below)
{
	size_t order = inode_set_meet(&j->by_below, below, j->groups.len + 1);

	if (order == 0) {
		vec_push(&j->groups, ((struct group){.below = *below}));
		order = j->groups.len;
	}
	return &j->groups.items[order - 1];
}

/* The file below that has this path, if its mark is that of `name`. */
static struct err *find_below(const struct join *j, const struct links_name *name,
			      struct stat *st, bool *found)
{
	CLEANUP(closep) int dir = -1;
	char mark[LINKS_MARK_SIZE];
	const char *last;
	struct err *e = open_parent(j->below, name->path, &dir, &last);

	*found = false;
	if (e) {
		err_ignore(e, "it was moved, or its mark copied");
		return NULL;
	}
	if (!links_read_mark(dir, last, mark) ||
	    memcmp(mark, name->mark, sizeof(mark)) != 0)
		return NULL;
	if (fstatat(dir, last, st, AT_SYMLINK_NOFOLLOW) != 0)
		return err_sys("'%s'", name->path);
	*found = S_ISREG(st->st_mode) && st->st_nlink > 1;
	return NULL;
}

/* A file that has both the name and the mark of one below was changed in place. */
static struct err *sort_in(struct join *j, const struct links_name *name)
{
	struct stat below, upper;
	struct group *g;
	bool found;

	TRY(find_below(j, name, &below, &found));
	if (!found)
		return NULL;
	TRY(stat_path(j->upper, name->path, &upper));
	g = group_of(j, &below);
	vec_push(&g->changed, name->path);
	inode_set_meet(&j->by_upper, &upper, (size_t)(g - j->groups.items) + 1);
	return NULL;
}

/* A name that is not below may be a new name of a file that is. */
static struct err *sort_in_new_name(struct join *j, const char *path)
{
	struct group *g;
	struct stat st;
	size_t order;

	TRY(stat_path(j->upper, path, &st));
	order = inode_set_meet(&j->by_upper, &st, NONE);
	if (order == 0 || order == NONE)
		return NULL;
	g = &j->groups.items[order - 1];
	for (size_t i = 0; i < g->changed.len; i++)
		if (g->changed.items[i] == path)
			return NULL;
	vec_push(&g->changed, path);
	return NULL;
}

static struct err *look_below(struct join *j, struct folder_walk *w, const char *name)
{
	int here = folder_walk_fd(w);
	CLEANUP(freep) char *path = NULL;
	struct stat st;
	size_t order;
	bool shows;

	if (fstatat(here, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return err_sys("'%s'", name);
	if (S_ISDIR(st.st_mode))
		return folder_walk_enter(w, here, name);
	if (!S_ISREG(st.st_mode) || st.st_nlink < 2)
		return NULL;
	order = inode_set_meet(&j->by_below, &st, NONE);
	if (order == 0 || order == NONE)
		return NULL;
	path = folder_walk_path_of(w, name);
	TRY(shows_below(j->upper, path, &shows));
	if (shows)
		vec_push(&j->groups.items[order - 1].untouched, STEAL(path));
	return NULL;
}

static struct err *find_untouched(struct join *j)
{
	CLEANUP(folder_walk_release)
	struct folder_walk w = {.stop = j->list->stop, .is_unsorted = true};
	const char *name;

	TRY(folder_walk_enter(&w, j->below, "."));
	while (folder_walk_is_inside(&w)) {
		TRY(folder_walk_next(&w, &name));
		if (name)
			TRY(look_below(j, &w, name));
		else
			TRY(folder_walk_leave(&w));
	}
	return NULL;
}

/* ---- which of several copies ---- */

static int compare_times(const struct timespec *a, const struct timespec *b)
{
	if (a->tv_sec != b->tv_sec)
		return a->tv_sec < b->tv_sec ? -1 : 1;
	return a->tv_nsec < b->tv_nsec ? -1 : a->tv_nsec > b->tv_nsec;
}

static bool is_rewritten(const struct group *g, const struct stat *st)
{
	return st->st_size != g->below.st_size ||
	       compare_times(&st->st_mtim, &g->below.st_mtim) != 0;
}

static bool has_other_owner(const struct stat *a, const struct stat *b)
{
	return a->st_mode != b->st_mode || a->st_uid != b->st_uid ||
	       a->st_gid != b->st_gid;
}

/* Is `st` the better copy to keep: the one that was written last, if any was? */
static bool is_better(const struct group *g, const struct stat *st,
		      const struct stat *than)
{
	bool rewritten = is_rewritten(g, st);

	if (rewritten != is_rewritten(g, than))
		return rewritten;
	return rewritten ? compare_times(&st->st_mtim, &than->st_mtim) > 0
			 : compare_times(&st->st_ctim, &than->st_ctim) > 0;
}

static struct err *open_file(int root_fd, const char *path, int *fd)
{
	CLEANUP(closep) int dir = -1;
	const char *name;

	TRY(open_parent(root_fd, path, &dir, &name));
	return fs_open(dir, name, O_RDONLY | O_NOFOLLOW, 0, fd);
}

static struct err *holds_same(const struct join *j, const char *a, const char *b,
			      bool *same)
{
	enum { BLOCK = 64 << 10 };
	CLEANUP(freep) char *blocks = xmalloc(2 * (size_t)BLOCK);
	CLEANUP(closep) int fa = -1, fb = -1;
	off_t at = 0;
	ssize_t na, nb;

	TRY(open_file(j->upper, a, &fa));
	TRY(open_file(j->upper, b, &fb));
	do {
		TRY(stop_ask(&j->list->stop));
		na = pread(fa, blocks, BLOCK, at);
		nb = pread(fb, blocks + BLOCK, BLOCK, at);
		if (na < 0 || nb < 0)
			return err_sys("'%s'", na < 0 ? a : b);
		*same = na == nb && memcmp(blocks, blocks + BLOCK, (size_t)na) == 0;
		at += na;
	} while (*same && na > 0);
	return NULL;
}

/* The copies of one file in the upper, in the order of `changed`. */
struct copies {
	VEC(struct stat) stats;
	size_t best;
	const struct stat *owner; /* has the latest change of owner and mode; or NULL */
};

static struct err *compare_copies(const struct join *j, const struct group *g,
				  struct copies *c)
{
	for (size_t i = 0; i < g->changed.len; i++) {
		struct stat st;

		TRY(stat_path(j->upper, g->changed.items[i], &st));
		vec_push(&c->stats, st);
	}
	for (size_t i = 0; i < c->stats.len; i++) {
		const struct stat *st = &c->stats.items[i];

		if (is_better(g, st, &c->stats.items[c->best]))
			c->best = i;
		if (has_other_owner(st, &g->below) &&
		    (!c->owner || compare_times(&st->st_ctim, &c->owner->st_ctim) > 0))
			c->owner = st;
	}
	return NULL;
}

/* Was the content changed in two ways?  `*other` is the number of a copy that differs. */
static struct err *find_parted(const struct join *j, const struct group *g,
			       const struct copies *c, size_t *other)
{
	const struct stat *best = &c->stats.items[c->best];
	bool same = true;

	*other = NONE;
	for (size_t i = 0; i < c->stats.len && same; i++) {
		const struct stat *st = &c->stats.items[i];

		if (st->st_ino == best->st_ino || !is_rewritten(g, st))
			continue;
		TRY(holds_same(j, g->changed.items[i], g->changed.items[c->best], &same));
		if (!same)
			*other = i;
	}
	return NULL;
}

/* ---- joining ---- */

static struct err *set_time(int fd, const struct stat *st)
{
	if (futimens(fd, (struct timespec[]){{.tv_nsec = UTIME_OMIT}, st->st_mtim}) != 0)
		return err_sys("set time");
	return NULL;
}

/* Folder `name` of the upper's `here`, as it is in `below`; the folder around it keeps
 * its time. */
static struct err *make_folder(int here, int below, const char *name, int *out)
{
	struct stat st;

	if (fstat(here, &st) != 0)
		return err_sys("stat");
	if (mkdirat(here, name, 0700) != 0)
		return err_sys("make '%s'", name);
	TRY(open_folder(here, name, out));
	TRY(overlay_copy_folder(below, *out));
	return set_time(here, &st);
}

/* The folder in the upper that will hold `path`, which lies below. */
static struct err *make_parent(const struct join *j, const char *path, int *out,
			       const char **name)
{
	CLEANUP(closep) int here = -1, below = -1;
	char *folder;

	TRY(open_folder(j->upper, ".", &here));
	TRY(open_folder(j->below, ".", &below));
	while ((folder = next_folder(&path)) != NULL) {
		CLEANUP(freep) char *own = folder;
		CLEANUP(closep) int next = -1, next_below = -1;
		struct err *e;

		TRY(open_folder(below, own, &next_below));
		e = open_folder(here, own, &next);
		if (e && err_code(e) == ERR_NOTFOUND) {
			err_ignore(e, "made");
			e = make_folder(here, next_below, own, &next);
		}
		TRY(e);
		closep(&here);
		here = steal_fd(&next);
		closep(&below);
		below = steal_fd(&next_below);
	}
	*name = path;
	*out = steal_fd(&here);
	return NULL;
}

/* Make `name` of folder `dir` a name of `from_name` in `from`. */
static struct err *link_over(int from, const char *from_name, int dir, const char *name)
{
	struct stat st;

	if (fstat(dir, &st) != 0)
		return err_sys("stat");
	if (linkat(from, from_name, dir, TEMPORARY, 0) != 0 ||
	    renameat(dir, TEMPORARY, dir, name) != 0)
		return err_sys("link '%s'", name);
	return set_time(dir, &st);
}

static struct err *take_owner(int dir, const char *name, const struct stat *st)
{
	/* The owner first: chown(2) clears set-id bits. */
	if (fchownat(dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) != 0 ||
	    fchmodat(dir, name, st->st_mode & 07777, 0) != 0)
		return err_sys("set owner and mode of '%s'", name);
	return NULL;
}

static struct err *join_names(const struct join *j, const struct group *g,
			      const struct copies *c)
{
	const struct stat *best = &c->stats.items[c->best];
	CLEANUP(closep) int from = -1;
	const char *from_name, *name;

	assert(c->stats.len == g->changed.len && c->stats.len > 0);
	TRY(open_parent(j->upper, g->changed.items[c->best], &from, &from_name));
	if (c->owner && has_other_owner(c->owner, best))
		TRY(take_owner(from, from_name, c->owner));
	for (size_t i = 0; i < g->changed.len; i++) {
		CLEANUP(closep) int dir = -1;

		if (c->stats.items[i].st_ino == best->st_ino)
			continue;
		TRY(open_parent(j->upper, g->changed.items[i], &dir, &name));
		TRY(link_over(from, from_name, dir, name));
	}
	for (size_t i = 0; i < g->untouched.len; i++) {
		CLEANUP(closep) int dir = -1;

		TRY(make_parent(j, g->untouched.items[i], &dir, &name));
		TRY(link_over(from, from_name, dir, name));
	}
	return NULL;
}

static struct err *join_group(const struct join *j, const struct group *g)
{
	struct copies c = {0};
	size_t other = NONE;
	struct err *e = compare_copies(j, g, &c);

	if (!e)
		e = find_parted(j, g, &c, &other);
	if (!e && other == NONE)
		e = join_names(j, g, &c);
	if (!e && other != NONE && j->list->parted)
		j->list->parted(j->list->context, g->changed.items[c.best],
				g->changed.items[other]);
	vec_free(&c.stats);
	return e;
}

static struct err *join_all(struct join *j)
{
	for (size_t i = 0; i < j->list->marked.len; i++)
		TRY(sort_in(j, &j->list->marked.items[i]));
	if (j->groups.len == 0)
		return NULL;
	for (size_t i = 0; i < j->list->marked.len; i++)
		TRY(sort_in_new_name(j, j->list->marked.items[i].path));
	TRY(find_untouched(j));
	for (size_t i = 0; i < j->groups.len; i++)
		TRY(join_group(j, &j->groups.items[i]));
	return NULL;
}

/* A mark came up with a copy; it stays on a file with several names. */
static struct err *settle_mark(int upper_fd, const char *path)
{
	CLEANUP(closep) int dir = -1;
	const char *name;
	struct stat st;

	TRY(open_parent(upper_fd, path, &dir, &name));
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return err_sys("'%s'", path);
	return st.st_nlink > 1 ? NULL : links_remove_mark(dir, name);
}

struct err *links_join(struct links *l, int upper_fd, int below_fd)
{
	CLEANUP(join_release)
	struct join j = {
		.list = l,
		.upper = upper_fd,
		.below = below_fd,
		.by_below = INODE_SET_INIT,
		.by_upper = INODE_SET_INIT,
	};

	if (below_fd >= 0)
		TRY(join_all(&j));
	for (size_t i = 0; i < l->marked.len; i++)
		TRY(settle_mark(upper_fd, l->marked.items[i].path));
	return NULL;
}

struct err *links_mark(int dir_fd, const struct stop *stop)
{
	CLEANUP(links_release) struct links l = {.stop = *stop};

	TRY(links_find(&l, dir_fd));
	return links_join(&l, dir_fd, -1);
}
