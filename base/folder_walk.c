/* SPDX-License-Identifier: MIT
 * folder_walk.c - see folder_walk.h.
 *
 * The names in all folders on the way are stored one after the other in one text, and so
 * are the offsets that sort them: leaving a folder cuts both.
 */
#include "base/folder_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/dir.h"
#include "base/fs.h"

static struct folder_level *innermost(const struct folder_walk *w)
{
	return &w->levels.items[w->levels.len - 1];
}

static size_t memory(const struct folder_walk *w)
{
	return w->text.len + w->names.len * sizeof(*w->names.items) + w->path.len +
	       w->levels.len * (sizeof(*w->levels.items) + sizeof(struct dir_link));
}

static struct err *check_memory(const struct folder_walk *w)
{
	size_t max = w->memory_max > 0 ? w->memory_max : FOLDER_WALK_MEMORY;

	if (memory(w) <= max && w->text.len <= UINT32_MAX)
		return NULL;
	return err_hint(
		err_new(ERR_SYS,
			"the names in a folder and in the folders above it take more "
			"than %zu MiB",
			max >> 20),
		"spread the files over more folders");
}

/* Append the bytes of `name` and its NUL. */
static void add_name(struct folder_walk *w, const char *name)
{
	size_t size = strlen(name) + 1, cap = w->text.cap;

	if (w->text.len + size > cap) {
		cap = cap > 0 ? 2 * cap : 4096;
		w->text.items = xreallocarray(w->text.items, cap, 1);
		w->text.cap = cap;
	}
	vec_push(&w->names, (uint32_t)w->text.len);
	memcpy(w->text.items + w->text.len, name, size);
	w->text.len += size;
}

static int compare(const void *a, const void *b, void *text)
{
	return strcmp((const char *)text + *(const uint32_t *)a,
		      (const char *)text + *(const uint32_t *)b);
}

static struct err *list(struct folder_walk *w)
{
	CLEANUP(dir_closep) DIR *dir = dir_open_fd(folder_walk_fd(w));
	size_t first = w->names.len;
	const char *name;

	if (!dir)
		return err_sys("list folder");
	while ((name = dir_next(dir)) != NULL) {
		add_name(w, name);
		TRY(check_memory(w));
		TRY(stop_ask(&w->stop));
	}
	if (errno != 0)
		return err_sys("list folder");
	if (!w->is_unsorted && w->names.len > first)
		qsort_r(w->names.items + first, w->names.len - first, sizeof(uint32_t),
			compare, w->text.items);
	return NULL;
}

struct err *folder_walk_push(struct folder_walk *w, int fd, const char *name)
{
	struct folder_level level = {
		.path_len = w->path.len,
		.text = w->text.len,
		.names = w->names.len,
		.next = w->names.len,
	};

	if (w->levels.len > 0)
		buf_printf(&w->path, "%s%s", w->path.len > 0 ? "/" : "", name);
	vec_push(&w->levels, level);
	TRY(dir_chain_push(&w->folders, fd));
	return list(w);
}

struct err *folder_walk_enter(struct folder_walk *w, int dir_fd, const char *name)
{
	int fd = -1;

	TRY(fs_open(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &fd));
	return folder_walk_push(w, fd, name);
}

struct err *folder_walk_next(struct folder_walk *w, const char **name)
{
	struct folder_level *level = innermost(w);

	*name = NULL;
	TRY(stop_ask(&w->stop));
	if (level->next < w->names.len)
		*name = w->text.items + w->names.items[level->next++];
	return NULL;
}

struct err *folder_walk_leave(struct folder_walk *w)
{
	const struct folder_level *level = innermost(w);

	w->text.len = level->text;
	w->names.len = level->names;
	buf_truncate(&w->path, level->path_len);
	w->levels.len--;
	return dir_chain_pop(&w->folders);
}

bool folder_walk_is_inside(const struct folder_walk *w)
{
	return w->levels.len > 0;
}

int folder_walk_fd(const struct folder_walk *w)
{
	return dir_chain_fd(&w->folders);
}

size_t folder_walk_depth(const struct folder_walk *w)
{
	return w->levels.len - 1;
}

const char *folder_walk_path(const struct folder_walk *w)
{
	return buf_text(&w->path);
}

size_t folder_walk_count(const struct folder_walk *w)
{
	return w->names.len - innermost(w)->names;
}

char *folder_walk_path_of(const struct folder_walk *w, const char *name)
{
	return xasprintf("%s%s%s", folder_walk_path(w), w->path.len > 0 ? "/" : "", name);
}

struct err *folder_walk_blame(const struct folder_walk *w, size_t depth, const char *name,
			      struct err *e)
{
	CLEANUP(freep) char *path = NULL;

	if (!e || err_code(e) == ERR_CANCELLED || err_cause(e))
		return e;
	/* If the walk has entered it, the walk is in it, and its name may have moved. */
	path = folder_walk_depth(w) == depth ? folder_walk_path_of(w, name)
					     : xstrdup(folder_walk_path(w));
	return err_wrap(e, "'%s'", path);
}

void folder_walk_release(struct folder_walk *w)
{
	dir_chain_release(&w->folders);
	vec_free(&w->levels);
	vec_free(&w->text);
	vec_free(&w->names);
	buf_release(&w->path);
}
