/* SPDX-License-Identifier: MIT
 * tree_glob.c - see tree_glob.h.
 *
 * glob(3) does not suffice: it can neither be confined to a root nor start from a
 * descriptor.
 */
#include "engine/tree/tree_glob.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/folder_walk.h"
#include "base/fs.h"
#include "base/path.h"
#include "base/str.h"

static bool has_pattern(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] == '\\')
			i++;
		else if (strchr("*?[", s.data[i]))
			return true;
	}
	return false;
}

static char *without_escapes(struct str s)
{
	struct buf out = BUF_INIT;

	buf_puts(&out, "");
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] == '\\' && i + 1 < s.len)
			i++;
		buf_putc(&out, s.data[i]);
	}
	return out.data ? buf_steal(&out) : xstrdup("");
}

static struct err *open_name(const struct glob_root *root, const char *path, int flags,
			     int *fd)
{
	const char *name = path[0] ? path : ".";

	return root->is_confined ? path_open(root->fd, name, flags, 0, fd)
				 : fs_open(root->fd, name, flags, 0, fd);
}

/* A dangling link exists, too: copying it then says what is wrong. */
static bool exists(const struct glob_root *root, const char *path)
{
	CLEANUP(closep) int fd = -1;
	struct err *e = open_name(root, path, O_PATH | O_NOFOLLOW, &fd);

	err_ignore(e, "it does not exist");
	return fd >= 0;
}

static struct err *match_below(const struct glob_root *root, const char *prefix,
			       struct str rest, struct path_list *out);

/* One more component is known: `path`, ending in a slash if one was written. */
static struct err *go_on(const struct glob_root *root, const char *path, struct str rest,
			 struct path_list *out)
{
	if (rest.len > 0)
		return match_below(root, path, rest, out);
	if (exists(root, path))
		return path_list_add(out, xstrdup(path));
	return NULL;
}

static struct err *match_names(const struct glob_root *root, const char *prefix,
			       const char *component, const char *slash, struct str rest,
			       struct path_list *out)
{
	CLEANUP(folder_walk_release)
	struct folder_walk names = {.stop = cancel_stop(root->cancel)};
	int fd = -1;
	struct err *e = open_name(root, prefix, O_RDONLY | O_DIRECTORY, &fd);
	const char *name;

	if (e) {
		err_ignore(e, "nothing matches in what is not a readable folder");
		return NULL;
	}
	TRY(folder_walk_push(&names, fd, ""));
	for (;;) {
		CLEANUP(freep) char *path = NULL;

		TRY(folder_walk_next(&names, &name));
		if (!name)
			return NULL;
		if (fnmatch(component, name, FNM_PERIOD) != 0)
			continue;
		path = xasprintf("%s%s%s", prefix, name, slash);
		TRY(go_on(root, path, rest, out));
	}
}

static struct err *match_below(const struct glob_root *root, const char *prefix,
			       struct str rest, struct path_list *out)
{
	CLEANUP(freep) char *component = NULL;
	CLEANUP(freep) char *literal = NULL;
	CLEANUP(freep) char *path = NULL;
	struct str part;
	const char *slash = str_cut(rest, '/', &part, &rest) ? "/" : "";

	while (rest.len > 0 && rest.data[0] == '/')
		rest = str_slice(rest, 1, rest.len);
	if (has_pattern(part)) {
		component = str_dup(part);
		return match_names(root, prefix, component, slash, rest, out);
	}
	literal = without_escapes(part);
	path = xasprintf("%s%s%s", prefix, literal, slash);
	return go_on(root, path, rest, out);
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A pattern that matches nothing may be the name of a file. */
static struct err *take_literally(const struct glob_root *root, const char *pattern,
				  struct path_list *out)
{
	if (!exists(root, pattern))
		return err_new(ERR_NOTFOUND, "'%s' matches nothing", pattern);
	return path_list_add(out, xstrdup(pattern));
}

static struct err *expand_one(const struct glob_root *root, const char *pattern,
			      struct path_list *out)
{
	size_t before = out->len;

	if (!has_pattern(str_of(pattern)))
		return path_list_add(out, without_escapes(str_of(pattern)));
	TRY(match_below(root, "", str_of(pattern), out));
	if (out->len == before)
		return take_literally(root, pattern, out);
	qsort(out->items + before, out->len - before, sizeof(*out->items), compare_paths);
	return NULL;
}

struct err *tree_glob(const struct glob_root *root, const char *pattern,
		      struct path_list *out)
{
	CLEANUP(path_list_release) struct path_list patterns = {0};

	TRY(tree_glob_braces(pattern, &patterns));
	for (size_t i = 0; i < patterns.len; i++)
		TRY(expand_one(root, patterns.items[i], out));
	return NULL;
}
