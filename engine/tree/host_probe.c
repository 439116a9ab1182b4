/* SPDX-License-Identifier: MIT
 * host_probe.c - see host_probe.h.
 *
 * A folder's entries are cut into slices of about equal work.  A single slice is done
 * directly; several are child tasks, which nest as folders do.  Each stores what it found
 * in the entries, and the folder's digest is made from them in the order of their names.
 */
#include "engine/tree/host_probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/vec.h"
#include "engine/tree/tree_hash.h"
#include "engine/tree/tree_walk.h"

enum {
	PARALLEL_DEPTH =
		24, /* folders that are looked into at the same time: a descriptor each */
	LISTING_SIZE = 32 * 1024, /* to begin with: 1,000 names of 8 characters */
	LISTING_ROOM = 4096,	  /* more than any one entry takes */
	SLICE_WORK = 256,	  /* stats: a fraction of a millisecond */
	FOLDER_WORK = 64,	  /* the work that a folder may hold */
};

/* A folder that is being looked at. */
struct folder {
	const struct folder *up;
	const char *name; /* in `up`; "" for the source itself */
	dev_t device;
	ino_t inode;
	unsigned depth;
	int fd;
};

struct probe_item {
	const char *name;
	uint64_t order;	    /* the name's first bytes, as a number that sorts like them */
	unsigned char type; /* DT_DIR, ...: a hint */
	mode_t mode;
	dev_t device;		/* the device that it is */
	struct content content; /* of a folder, its digest */
};

struct listing {
	char *names; /* as from getdents64(2) */
	VEC(struct probe_item) items;
};

/* What one thread uses. */
struct prober {
	const struct file_reading *files;
	struct parallel helpers;
	struct content_reader reader;
};

static void prober_release(struct prober *p)
{
	content_reader_release(&p->reader);
}

static struct err *probe_folder(struct prober *p, const struct folder *f,
				struct digest *out);

/* ---- names ---- */

static void listing_release(struct listing *l)
{
	free(l->names);
	vec_free(&l->items);
}

static uint64_t name_order(const char *name)
{
	uint64_t order = 0;
	size_t i = 0;

	for (; i < sizeof(order) && name[i]; i++)
		order = order << 8 | (unsigned char)name[i];
	return i == 0 ? 0 : order << 8 * (sizeof(order) - i);
}

static int compare_items(const void *left, const void *right)
{
	const struct probe_item *a = left, *b = right;

	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	return strcmp(a->name, b->name);
}

static void take_names(struct listing *l, size_t len)
{
	/* No entry is shorter: there is room for all. */
	l->items.cap = len / (offsetof(struct dirent64, d_name) + 1) + 1;
	l->items.items = xcalloc(l->items.cap, sizeof(*l->items.items));
	for (size_t at = 0; at < len;) {
		const struct dirent64 *entry = (const void *)(l->names + at);
		const char *name = entry->d_name;

		at += entry->d_reclen;
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			continue;
		vec_push(&l->items, ((struct probe_item){.name = name,
							 .order = name_order(name),
							 .type = entry->d_type}));
	}
	if (l->items.len > 0)
		qsort(l->items.items, l->items.len, sizeof(*l->items.items),
		      compare_items);
}

static struct err *list(int fd, struct listing *l)
{
	size_t size = LISTING_SIZE, len = 0;
	ssize_t n;

	l->names = xmalloc(size);
	while ((n = getdents64(fd, l->names + len, size - len)) > 0) {
		len += (size_t)n;
		if (size - len >= LISTING_ROOM)
			continue;
		size *= 2;
		l->names = xreallocarray(l->names, size, 1);
	}
	if (n < 0)
		return err_sys("list folder");
	take_names(l, len);
	return NULL;
}

/* ---- one entry ---- */

/* Path of `name` below the source, for messages; for free(). */
static char *path_of(const struct folder *f, const char *name)
{
	CLEANUP(freep) char *above = NULL;

	if (!f->up)
		return xstrdup(name);
	above = path_of(f->up, f->name);
	return xasprintf("%s/%s", above, name);
}

static struct err *read_content(struct prober *p, int fd, struct content *content)
{
	CLEANUP(closep) int in = -1;

	TRY(tree_walk_reopen(fd, &in));
	return file_content_read(p->files, &p->reader, in, -1, content);
}

static struct err *check_size(const struct prober *p, const struct stat *st)
{
	struct size_limit limit = {.max = p->files->max_file};

	return size_limit_add(&limit, (uint64_t)st->st_size);
}

static struct err *look_at_file(struct prober *p, const struct folder *f,
				struct probe_item *item, const struct stat *seen)
{
	CLEANUP(closep) int fd = -1;
	struct stat st;

	TRY(check_size(p, seen));
	if (file_content_find(p->files, seen, &item->content))
		return NULL;
	TRY(fs_open(f->fd, item->name, O_PATH, 0, &fd));
	if (fstat(fd, &st) != 0)
		return err_sys("stat");
	if (!S_ISREG(st.st_mode))
		return err_new(ERR_SYS, "it changes while it is read");
	item->mode = st.st_mode;
	return read_content(p, fd, &item->content);
}

static struct err *look_at_folder(struct prober *p, const struct folder *up,
				  struct probe_item *item)
{
	CLEANUP(closep) int fd = -1;
	struct folder f = {.up = up, .name = item->name, .depth = up->depth + 1};
	struct stat st;

	TRY(fs_open(up->fd, item->name, O_RDONLY | O_DIRECTORY, 0, &fd));
	if (fstat(fd, &st) != 0)
		return err_sys("stat");
	item->mode = st.st_mode;
	f.device = st.st_dev;
	f.inode = st.st_ino;
	f.fd = fd;
	return probe_folder(p, &f, &item->content.blocks);
}

/* Links are followed, as cp does. */
static struct err *look_at(struct prober *p, const struct folder *f,
			   struct probe_item *item)
{
	struct stat st;
	struct err *e = NULL;

	if (p->files->cancel)
		TRY(cancel_check(p->files->cancel));
	if (fstatat(f->fd, item->name, &st, 0) != 0) {
		e = err_sys("'%s'", item->name);
	} else {
		item->mode = st.st_mode;
		item->device = st.st_rdev;
		if (S_ISREG(st.st_mode))
			e = look_at_file(p, f, item, &st);
		else if (S_ISDIR(st.st_mode))
			e = look_at_folder(p, f, item);
	}
	/* Only one level says where: the innermost, which knows the whole path. */
	if (e && err_code(e) != ERR_CANCELLED && !err_cause(e)) {
		CLEANUP(freep) char *path = path_of(f, item->name);

		e = err_wrap(e, "'%s'", path);
	}
	return e;
}

/* ---- slices ---- */

struct slices {
	const struct prober *parent;
	const struct folder *folder;
	struct probe_item *items;
	VEC(size_t) ends; /* one past the last item of each */
};

static void slices_release(struct slices *s)
{
	vec_free(&s->ends);
}

static void cut(struct slices *s, const struct listing *l)
{
	size_t work = 0;

	for (size_t i = 0; i < l->items.len; i++) {
		work += l->items.items[i].type == DT_DIR ? FOLDER_WORK : 1;
		if (work < SLICE_WORK && i + 1 < l->items.len)
			continue;
		vec_push(&s->ends, i + 1);
		work = 0;
	}
}

static struct err *look_at_all(struct prober *p, const struct folder *f,
			       struct probe_item *items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		TRY(look_at(p, f, &items[i]));
	return NULL;
}

static struct err *do_slice(void *context, size_t index, const struct parallel *own)
{
	const struct slices *s = context;
	size_t begin = index > 0 ? s->ends.items[index - 1] : 0;
	CLEANUP(prober_release)
	struct prober p = {
		.files = s->parent->files,
		.helpers = *own,
		/* The asking task reports progress. */
		.reader = file_content_reader(s->parent->files, true),
	};

	return look_at_all(&p, s->folder, s->items + begin, s->ends.items[index] - begin);
}

static struct err *look_at_items(struct prober *p, const struct folder *f,
				 const struct listing *l)
{
	CLEANUP(slices_release)
	struct slices s = {.parent = p, .folder = f, .items = l->items.items};

	if (p->helpers.each)
		cut(&s, l);
	if (s.ends.len < 2)
		return look_at_all(p, f, l->items.items, l->items.len);
	return p->helpers.each(p->helpers.self, s.ends.len, do_slice, &s);
}

/* ---- a folder ---- */

static struct err *check_folder(const struct folder *f)
{
	for (const struct folder *up = f->up; up; up = up->up)
		if (up->device == f->device && up->inode == f->inode)
			return err_new(ERR_SYS, "a link leads back to a folder above it");
	return NULL;
}

static void hash_item(struct hasher *h, const struct probe_item *item)
{
	struct walk_entry entry = {.path = item->name, .name = item->name};

	entry.stat.st_mode = item->mode;
	entry.stat.st_rdev = item->device;
	tree_hash_entry(h, COPY_FROM_HOST, &entry);
	if (S_ISDIR(item->mode))
		tree_hash_folder(h, &item->content.blocks);
	else if (S_ISREG(item->mode))
		content_add(h, &item->content);
}

/* Deep folders are done one after the other: this needs neither stack nor descriptors for
 * each folder. */
static struct err *probe_deep_folder(const struct prober *p, const struct folder *f,
				     struct digest *out)
{
	static const struct walk_rules rules = {.from = COPY_FROM_HOST};
	CLEANUP(tree_walk_release) struct tree_walk w;
	CLEANUP(freep) char *path = NULL;
	struct err *e;

	tree_walk_init(&w, &rules, p->files);
	w.reader.progress = p->reader.progress;
	e = tree_walk_source(&w, f->fd, f->name);
	*out = w.entries;
	if (!e || err_code(e) == ERR_CANCELLED)
		return e;
	path = path_of(f->up, f->name);
	return err_wrap(e, "'%s'", path);
}

static struct err *probe_folder(struct prober *p, const struct folder *f,
				struct digest *out)
{
	CLEANUP(hasher_freep) struct hasher *h = NULL;
	CLEANUP(listing_release) struct listing l = {0};

	TRY(check_folder(f));
	if (f->depth >= PARALLEL_DEPTH)
		return probe_deep_folder(p, f, out);
	TRY(list(f->fd, &l));
	TRY(look_at_items(p, f, &l));
	h = tree_hasher_new();
	for (size_t i = 0; i < l.items.len; i++)
		hash_item(h, &l.items.items[i]);
	*out = hasher_final(h);
	return NULL;
}

/* ---- the source ---- */

static struct err *probe_named_folder(struct prober *p, int fd, const struct stat *st,
				      struct digest *out)
{
	CLEANUP(closep) int own = -1;
	struct folder f = {.name = "", .device = st->st_dev, .inode = st->st_ino};

	TRY(fs_open(fd, ".", O_RDONLY | O_DIRECTORY, 0, &own));
	f.fd = own;
	return probe_folder(p, &f, out);
}

static struct err *probe_named_file(struct prober *p, int fd, const struct stat *st,
				    struct content *out)
{
	TRY(check_size(p, st));
	return file_content_find(p->files, st, out) ? NULL : read_content(p, fd, out);
}

struct err *host_probe_source(const struct file_reading *how,
			      const struct parallel *helpers, int fd,
			      const struct stat *st, struct hasher *hasher)
{
	CLEANUP(prober_release)
	struct prober p = {
		.files = how,
		.helpers = *helpers,
		.reader = file_content_reader(how, false),
	};
	struct probe_item item = {.name = "", .mode = st->st_mode, .device = st->st_rdev};

	if (how->cancel)
		TRY(cancel_check(how->cancel));
	if (S_ISDIR(st->st_mode))
		TRY(probe_named_folder(&p, fd, st, &item.content.blocks));
	else if (S_ISREG(st->st_mode))
		TRY(probe_named_file(&p, fd, st, &item.content));
	hash_item(hasher, &item);
	return NULL;
}
