/* SPDX-License-Identifier: MIT
 * tree_text.h - for tests: a folder as text, so that trees compare as strings.
 *
 * One line for each entry, sorted: "PATH TYPE MODE UID:GID" and then a file's content, a
 * link's target, or a device's numbers.  Hard links show as "=FIRST NAME".
 */
#ifndef TESTS_FAKE_TREE_TEXT_H
#define TESTS_FAKE_TREE_TEXT_H

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/vec.h"

struct tree_text {
	struct buf *out;
	VEC(char *) names; /* "INODE PATH" of files with several names */
};

static inline int tree_text_no_dots(const struct dirent *e)
{
	return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

static inline int tree_text_compare(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static inline const char *tree_text_first_name(struct tree_text *t, const struct stat *st,
					       const char *shown)
{
	char *key = xasprintf("%llu ", (unsigned long long)st->st_ino);
	const char *found = NULL;

	for (size_t i = 0; i < t->names.len && !found; i++)
		if (strncmp(t->names.items[i], key, strlen(key)) == 0)
			found = t->names.items[i] + strlen(key);
	if (!found)
		vec_push(&t->names, xasprintf("%s%s", key, shown));
	free(key);
	return found;
}

static inline void tree_text_file(struct tree_text *t, const char *path,
				  const char *shown, const struct stat *st)
{
	const char *first = st->st_nlink > 1 ? tree_text_first_name(t, st, shown) : NULL;
	char text[64] = "";
	int fd;

	if (first) {
		buf_printf(t->out, " =%s", first);
		return;
	}
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		buf_puts(t->out, " unreadable");
	else
		buf_printf(t->out, " '%s'", text);
	if (fd >= 0)
		close(fd);
}

static inline void tree_text_entry(struct tree_text *t, const char *path,
				   const char *shown)
{
	struct stat st;
	char target[256] = "";
	char mark[8];

	if (lstat(path, &st) != 0) {
		buf_printf(t->out, "%s missing\n", shown);
		return;
	}
	buf_printf(t->out, "%s %c %o %u:%u", shown,
		   S_ISDIR(st.st_mode)	  ? 'd'
		   : S_ISLNK(st.st_mode)  ? 'l'
		   : S_ISFIFO(st.st_mode) ? 'p'
		   : S_ISCHR(st.st_mode)  ? 'c'
		   : S_ISREG(st.st_mode)  ? 'f'
					  : '?',
		   st.st_mode & 07777, st.st_uid, st.st_gid);
	if (S_ISREG(st.st_mode))
		tree_text_file(t, path, shown, &st);
	if (S_ISLNK(st.st_mode) && readlink(path, target, sizeof(target) - 1) > 0)
		buf_printf(t->out, " -> %s", target);
	if (S_ISCHR(st.st_mode))
		buf_printf(t->out, " %u:%u", major(st.st_rdev), minor(st.st_rdev));
	if (S_ISDIR(st.st_mode) &&
	    lgetxattr(path, "user.overlay.opaque", mark, sizeof(mark)) > 0)
		buf_puts(t->out, " opaque");
	buf_putc(t->out, '\n');
}

static inline void tree_text_walk(struct tree_text *t, const char *root,
				  const char *below)
{
	char *folder = xasprintf("%s/%s", root, below);
	struct dirent **list = NULL;
	int n = scandir(folder, &list, tree_text_no_dots, tree_text_compare);

	for (int i = 0; i < n; i++) {
		char *shown =
			xasprintf("%s%s%s", below, below[0] ? "/" : "", list[i]->d_name);
		char *path = xasprintf("%s/%s", root, shown);
		struct stat st;

		tree_text_entry(t, path, shown);
		if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
			tree_text_walk(t, root, shown);
		free(path);
		free(shown);
		free(list[i]);
	}
	free(list);
	free(folder);
}

/* Everything below `root`, without `root` itself. */
static inline void tree_text(const char *root, struct buf *out)
{
	struct tree_text t = {.out = out};

	tree_text_walk(&t, root, "");
	for (size_t i = 0; i < t.names.len; i++)
		free(t.names.items[i]);
	vec_free(&t.names);
}

#endif
