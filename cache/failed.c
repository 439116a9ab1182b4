/* SPDX-License-Identifier: MIT
 * failed.c - see failed.h.
 *
 * A failed root is put together in the scratch folder of its step and appears by one
 * rename; it goes by a rename into a scratch folder.  So it is whole or missing, whenever
 * we are killed.  A shared lock on its folder marks it as in use.
 */
#include "cache/failed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/dir.h"
#include "base/fs.h"
#include "base/log.h"
#include "cache/record.h"

/* Bytes of failed.json, which holds environment and script; no script comes near. */
static const size_t ABOUT_MAX = (size_t)64 << 20;
static const uint64_t FORMAT = 1;

const struct failed_limits failed_limits_default = {
	.count = 3,
	.bytes = GIB(2),
	.age_ms = UINT64_C(7) * 24 * 3600 * 1000,
};

enum { PATH_SIZE = 64 };

static const char *failed_path(const struct layer_id *id, const char *suffix, char *out)
{
	snprintf(out, PATH_SIZE, "failed/%s%s", id->name, suffix);
	return out;
}

char *failed_upper(const struct layer_id *id)
{
	return xasprintf("../failed/%s/upper", id->name);
}

static uint64_t now_ms(void)
{
	return (uint64_t)clock_real_ns() / 1000000;
}

/* ---- reading ---- */

static void failed_release(struct failed *f)
{
	snapshot_release(&f->below);
	cJSON_Delete(f->about);
	f->about = NULL;
}

void failed_list_release(struct failed_list *list)
{
	for (size_t i = 0; i < list->len; i++)
		failed_release(&list->items[i]);
	free(list->items);
	*list = (struct failed_list)FAILED_LIST_INIT;
}

static bool take_about(struct failed *f)
{
	uint64_t version = 0;

	return json_u64(f->about, "version", &version) && version == FORMAT &&
	       json_u64(f->about, "bytes", &f->bytes) &&
	       json_u64(f->about, "failed_ms", &f->failed_ms) &&
	       record_to_snapshot(json_array(f->about, "below"), &f->below);
}

/* False when it is damaged, or a layer below it is gone.  No lease names the layers: who
 * lists failed roots does not need them, and may be the collector. */
static bool read_one(const struct store *s, struct failed *f)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	char path[PATH_SIZE];
	struct err *e = fs_read_file(
		store_fd(s), failed_path(&f->id, "/failed.json", path), ABOUT_MAX, &text);

	if (!e)
		e = json_parse(str_make(buf_text(&text), text.len), &f->about);
	if (e) {
		err_ignore(e, "a failed root without a description");
		return false;
	}
	return take_about(f) && snapshot_is_there(s, &f->below) &&
	       faccessat(store_fd(s), failed_path(&f->id, "/upper", path), F_OK, 0) == 0;
}

/* Setting the clock back makes nothing old. */
static bool is_expired(const struct failed *f, const struct failed_limits *limits)
{
	uint64_t now = now_ms();

	return now > f->failed_ms && now - f->failed_ms > limits->age_ms;
}

static int compare_newest(const void *a, const void *b)
{
	const struct failed *left = a, *right = b;

	if (left->failed_ms != right->failed_ms)
		return left->failed_ms < right->failed_ms ? 1 : -1;
	return strcmp(left->id.name, right->id.name);
}

static bool take_name(const char *name, struct layer_id *out)
{
	if (name[0] == '.' || strlen(name) != sizeof(out->name) - 1)
		return false;
	memcpy(out->name, name, sizeof(out->name));
	return true;
}

/* `good` is what failed_list_read() gives, `bad` the rest. */
static struct err *read_all(const struct store *s, const struct failed_limits *limits,
			    struct failed_list *good, struct failed_list *bad)
{
	CLEANUP(dir_closep) DIR *dir = dir_open(store_fd(s), "failed", O_NOFOLLOW);
	const char *name;

	if (!dir) /* missing: a store from before failed roots were kept */
		return errno == ENOENT ? NULL : err_sys("'failed'");
	while ((name = dir_next(dir)) != NULL) {
		struct failed f = {0};
		struct failed_list *list;

		if (!take_name(name, &f.id))
			continue;
		list = read_one(s, &f) && !is_expired(&f, limits) ? good : bad;
		list->items =
			xreallocarray(list->items, list->len + 1, sizeof(*list->items));
		list->items[list->len++] = f;
	}
	if (errno != 0)
		return err_sys("read 'failed'");
	if (good->len > 1)
		qsort(good->items, good->len, sizeof(*good->items), compare_newest);
	return NULL;
}

struct err *failed_list_read(const struct store *s, const struct failed_limits *limits,
			     struct failed_list *out)
{
	CLEANUP(failed_list_release) struct failed_list bad = FAILED_LIST_INIT;

	return read_all(s, limits, out, &bad);
}

/* ---- in use, and removing ---- */

struct err *failed_hold(const struct store *s, const struct layer_id *id, int *fd)
{
	CLEANUP(closep) int own = -1;
	char path[PATH_SIZE];

	TRY(fs_open(store_fd(s), failed_path(id, "", path), O_RDONLY | O_DIRECTORY, 0,
		    &own));
	if (flock(own, LOCK_SH) != 0)
		return err_sys("lock '%s'", path);
	/* It may have gone between opening and locking. */
	if (!fs_is_named(own, store_fd(s), path))
		return err_new(ERR_NOTFOUND, "'%s' is gone", path);
	*fd = steal_fd(&own);
	return NULL;
}

static struct err *drop(const struct store *s, const struct failed *f)
{
	CLEANUP(scratch_release) struct scratch trash = SCRATCH_INIT;
	CLEANUP(closep) int fd = -1;
	char path[PATH_SIZE];

	failed_path(&f->id, "", path);
	fd = openat(store_fd(s), path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0)
		return NULL;
	log_debug("cache", "removing '%s'", path);
	TRY(scratch_new(s, &trash));
	if (renameat(store_fd(s), path, trash.fd, "failed") != 0 && errno != ENOENT)
		return err_sys("remove '%s'", path);
	return NULL;
}

struct err *failed_sweep(const struct store *s, const struct failed_limits *limits)
{
	CLEANUP(failed_list_release) struct failed_list good = FAILED_LIST_INIT;
	CLEANUP(failed_list_release) struct failed_list bad = FAILED_LIST_INIT;
	uint64_t bytes = 0;

	TRY(read_all(s, limits, &good, &bad));
	for (size_t i = 0; i < bad.len; i++)
		TRY(drop(s, &bad.items[i]));
	for (size_t i = 0; i < good.len; i++) {
		bytes += good.items[i].bytes;
		if (i >= limits->count || bytes > limits->bytes)
			TRY(drop(s, &good.items[i]));
	}
	return NULL;
}

/* ---- keeping ---- */

/* Allocated blocks of a tree.  A file with several names counts a part for each. */
static struct err *add_blocks(int dir_fd, const char *name, uint64_t *bytes)
{
	CLEANUP(dir_closep) DIR *dir = NULL;
	const char *entry;
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return err_sys("'%s'", name);
	if (!S_ISDIR(st.st_mode)) {
		*bytes += (uint64_t)st.st_blocks * 512 / (uint64_t)st.st_nlink;
		return NULL;
	}
	*bytes += (uint64_t)st.st_blocks * 512;
	dir = dir_open(dir_fd, name, O_NOFOLLOW);
	if (!dir)
		return err_sys("read '%s'", name);
	while ((entry = dir_next(dir)) != NULL)
		TRY(add_blocks(dirfd(dir), entry, bytes));
	return errno ? err_sys("read '%s'", name) : NULL;
}

static void set_members(cJSON *about, const struct snapshot *below, uint64_t bytes)
{
	json_add_u64(about, "version", FORMAT);
	json_add_u64(about, "failed_ms", now_ms());
	json_add_u64(about, "bytes", bytes);
	cJSON_AddItemToObject(about, "below", record_snapshot(below));
}

static struct err *publish(const struct store *s, const struct scratch *scratch,
			   const cJSON *about)
{
	CLEANUP(freep) char *text = json_print(about);
	struct layer_id id;
	char path[PATH_SIZE];

	fs_random_name(id.name, sizeof(id.name) - 1);
	if (mkdirat(scratch->fd, "failed", 0700) != 0)
		return err_sys("make '%s/failed'", scratch->path);
	TRY(fs_write_atomic(scratch->fd, "failed/failed.json", text, strlen(text), 0600));
	if (renameat(scratch->fd, "upper", scratch->fd, "failed/upper") != 0)
		return err_sys("keep '%s/upper'", scratch->path);
	if (renameat2(scratch->fd, "failed", store_fd(s), failed_path(&id, "", path),
		      RENAME_NOREPLACE) != 0)
		return err_sys("'%s'", path);
	return NULL;
}

struct err *failed_keep(const struct store *s, const struct scratch *scratch,
			const struct snapshot *below, cJSON *about,
			const struct failed_limits *limits, struct failed_kept *out)
{
	*out = (struct failed_kept){0};
	TRY(add_blocks(scratch->fd, "upper", &out->bytes));
	if (limits->count == 0 || out->bytes > limits->bytes)
		return NULL;
	set_members(about, below, out->bytes);
	TRY(publish(s, scratch, about));
	out->is_kept = true;
	return failed_sweep(s, limits);
}
