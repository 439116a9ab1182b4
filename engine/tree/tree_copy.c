/* SPDX-License-Identifier: MIT
 * tree_copy.c - see tree_copy.h: from an item's words to a source and a place.
 */
#include "engine/tree/tree_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/path.h"
#include "base/str.h"
#include "engine/tree/copy_target.h"
#include "engine/tree/host_probe.h"
#include "engine/tree/root_path.h"
#include "engine/tree/tree_glob.h"
#include "engine/tree/tree_walk.h"

/* One thing that an item's source expands to. */
struct match {
	const struct copy_item *item;
	const char *source; /* expanded */
	char *base;	    /* its name in a folder; "" copies a folder's content */
	int fd;		    /* O_PATH */
	struct stat stat;
};

static void match_release(struct match *m)
{
	closep(&m->fd);
	free(m->base);
}

/* For the host's cp "d/" means "d"; for a copy from a stage it means d's content. */
static char *base_name(enum copy_from from, const char *source)
{
	CLEANUP(freep) char *clean = NULL;
	size_t len = strlen(source);
	struct str base;

	if (from != COPY_FROM_HOST) {
		clean = path_clean(source);
		return xstrdup(str_ends_with(str_of(source), "/") ? ""
								  : path_base(clean));
	}
	while (len > 0 && source[len - 1] == '/')
		len--;
	base = str_make(source, len);
	while (str_find(base, '/') < base.len)
		base = str_slice(base, str_find(base, '/') + 1, base.len);
	if (str_is(base, ".") || str_is(base, ".."))
		return xstrdup("");
	return str_dup(base);
}

static const char *type_name(mode_t mode)
{
	return S_ISFIFO(mode) ? "fifo" : S_ISSOCK(mode) ? "socket" : "device";
}

/* Look at the source before anything at its target is touched. */
static struct err *match_open(const struct copy_request *request, struct match *m)
{
	struct err *e = tree_walk_open(request->rules.from, request->source_fd, m->source,
				       &m->fd, &m->stat);

	if (e && err_code(e) == ERR_NOTFOUND) {
		err_free(e);
		return err_new(ERR_NOTFOUND, "there is no '%s'%s", m->source,
			       request->rules.from == COPY_FROM_HOST
				       ? " on this host"
				       : " in the stage it is copied from");
	}
	TRY(e);
	m->base = base_name(request->rules.from, m->source);
	if (request->rules.from == COPY_FROM_STAGE && !S_ISREG(m->stat.st_mode) &&
	    !S_ISDIR(m->stat.st_mode))
		return err_new(ERR_SYS, "'%s' is a %s, which cannot be copied", m->source,
			       type_name(m->stat.st_mode));
	return NULL;
}

/* The name that the target gives the source belongs to what is copied.  Without a target
 * it is the whole path. */
static void hash_match(struct tree_walk *w, const struct match *m, size_t item_index)
{
	hasher_add_u64(w->hasher, item_index);
	hasher_add_str(w->hasher, m->base);
	hasher_add_str(w->hasher, m->item->target[0] ? "" : m->source);
}

/* Where a path of the image leads, and what is there. */
struct destination {
	char *path;  /* as root_resolve() */
	mode_t mode; /* 0: nothing is there */
};

static void destination_release(struct destination *d)
{
	free(d->path);
}

static struct err *find_mode(int root_fd, const char *path, mode_t *mode)
{
	CLEANUP(closep) int fd = -1;
	struct stat st;
	struct err *e = path_open(root_fd, path, O_PATH | O_NOFOLLOW, 0, &fd);

	*mode = 0;
	if (e && (err_errno(e) == ENOENT || err_errno(e) == ENOTDIR)) {
		err_ignore(e, "made later");
		return NULL;
	}
	TRY(e);
	if (fstat(fd, &st) != 0)
		return err_sys("'%s'", path);
	*mode = st.st_mode;
	return NULL;
}

static struct err *make_parents(int root_fd, const char *path)
{
	CLEANUP(freep) char *parent = xstrndup(path, (size_t)(path_base(path) - path));

	return root_make_folders(root_fd, parent, &(struct root_make){0});
}

/* The item's target, after making its missing folders: also the last one if it ends in a
 * slash. */
static struct err *find_destination(int root_fd, const struct match *m,
				    struct destination *d)
{
	const char *text = m->item->target[0] ? m->item->target : m->source;
	bool is_folder = str_ends_with(str_of(text), "/") &&
			 !(m->item->is_literal && S_ISDIR(m->stat.st_mode));

	TRY(root_resolve(root_fd, text, true, &d->path));
	TRY(find_mode(root_fd, d->path, &d->mode));
	if (d->mode && is_folder && !S_ISDIR(d->mode))
		return err_new(ERR_EXISTS, "'%s' is not a folder in the image", d->path);
	if (d->mode)
		return NULL;
	TRY(make_parents(root_fd, d->path));
	if (!is_folder)
		return NULL;
	d->mode = S_IFDIR;
	return root_make_folders(root_fd, d->path, &(struct root_make){0});
}

/* Where the source itself goes: into a folder that exists, else to the target itself. */
static struct err *place_of(int root_fd, const struct match *m, enum copy_from from,
			    char **out)
{
	CLEANUP(destination_release) struct destination d = {0};
	CLEANUP(freep) char *inside = NULL;

	TRY(find_destination(root_fd, m, &d));
	if (!S_ISDIR(d.mode) || m->base[0] == '\0') {
		*out = STEAL(d.path);
		return NULL;
	}
	inside = path_join(d.path, m->base);
	/* A link of the image in place of a folder is followed, inside the root. */
	if (from == COPY_FROM_STAGE && S_ISDIR(m->stat.st_mode)) {
		TRY(root_resolve(root_fd, inside, true, out));
		return make_parents(root_fd, *out);
	}
	*out = STEAL(inside);
	return NULL;
}

static struct err *copy_match(struct tree_walk *w, const struct match *m, int root_fd)
{
	enum copy_from from = w->rules->from;
	CLEANUP(copy_target_release) struct copy_target target = {0};
	CLEANUP(freep) char *path = NULL;

	TRY(place_of(root_fd, m, from, &path));
	TRY(copy_target_init(&target, root_fd, path));
	target.keeps_named = from == COPY_FROM_FOLDER;
	w->visitor = from == COPY_FROM_HOST ? &copy_host_visitor : &copy_stage_visitor;
	w->context = &target;
	if (fstat(root_fd, &w->avoid) != 0)
		return err_sys("root folder");
	return tree_walk_source(w, m->fd, path_base(path));
}

struct copying {
	const struct copy_request *request;
	int root_fd; /* -1: only the digest */
	struct tree_walk walk;
};

static void copying_release(struct copying *c)
{
	tree_walk_release(&c->walk);
}

static struct err *do_match(struct copying *c, const struct copy_item *item,
			    const char *source)
{
	const struct copy_request *request = c->request;
	struct tree_walk *w = &c->walk;
	CLEANUP(match_release)
	struct match m = {.item = item, .source = source, .fd = -1};

	TRY(match_open(request, &m));
	hash_match(w, &m, (size_t)(item - request->items));
	w->source = source;
	if (c->root_fd >= 0)
		return copy_match(w, &m, c->root_fd);
	/* A list needs each file's own digest, which the probe does not give. */
	if (w->rules->from == COPY_FROM_HOST && !w->rules->list)
		return host_probe_source(&request->files, &request->helpers, m.fd,
					 &m.stat, w->hasher);
	return tree_walk_source(w, m.fd, m.base);
}

static struct err *do_item(struct copying *c, const struct copy_item *item)
{
	CLEANUP(path_list_release) struct path_list sources = {0};
	struct glob_root root = {
		.fd = c->request->source_fd,
		.is_confined = c->request->rules.from != COPY_FROM_HOST,
		.cancel = c->request->files.cancel,
	};

	if (item->source[0] == '\0')
		return err_new(ERR_SYNTAX, "the source is empty");
	if (item->is_literal)
		return do_match(c, item, item->source);
	TRY(tree_glob(&root, item->source, &sources));
	for (size_t i = 0; i < sources.len; i++)
		TRY(do_match(c, item, sources.items[i]));
	return NULL;
}

static struct err *do_request(const struct copy_request *request, int root_fd,
			      struct digest *out)
{
	CLEANUP(copying_release)
	struct copying c = {.request = request, .root_fd = root_fd};

	tree_walk_init(&c.walk, &request->rules, &request->files);
	for (size_t i = 0; i < request->n_items; i++) {
		const struct copy_item *item = &request->items[i];
		struct err *e = do_item(&c, item);

		if (e && err_code(e) == ERR_CANCELLED)
			return e;
		e = err_wrap(e, "copy '%s'%s%s%s", item->source,
			     item->target[0] ? " to '" : "", item->target,
			     item->target[0] ? "'" : "");
		TRY(place_err(item->where, e));
	}
	*out = hasher_final(c.walk.hasher);
	return NULL;
}

struct err *tree_copy_digest(const struct copy_request *request, struct digest *out)
{
	return do_request(request, -1, out);
}

struct err *tree_copy(const struct copy_request *request, int root_fd, struct digest *out)
{
	return do_request(request, root_fd, out);
}
