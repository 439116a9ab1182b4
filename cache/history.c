/* SPDX-License-Identifier: MIT
 * history.c - see history.h.
 *
 * Files are written by rename and never synced: one that a power cut damaged counts as
 * missing.  Definitions come and go, so each of the 256 folders holds a limited number of
 * files and bytes; the file that was written longest ago goes first.  The list of
 * evictions is two files of limited size; the older is dropped when the newer is full.
 */
#include "cache/history.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/dir.h"
#include "base/fs.h"
#include "base/path.h"
#include "cache/store_names.h"
#include "cache/store_private.h"

static const size_t FILE_MAX_BYTES = (size_t)16 << 20;
static const size_t FOLDER_MAX_FILES = 64;
static const uint64_t FOLDER_MAX_BYTES = UINT64_C(1) << 20;
static const off_t EVICTED_MAX_BYTES = (off_t)256 << 10;
static const char EVICTED[] = "history/evicted", EVICTED_OLD[] = "history/evicted.old";

enum { PATH_SIZE = 96 };

/* ---- names ---- */

/* With a NULL definition: the file that tells which definition built a step of that name
 * last. */
static void path_of(const struct history_step *step, char *out)
{
	CLEANUP(hasher_freep) struct hasher *h = hasher_new(DIGEST_SHA256, NULL);
	char hex[DIGEST_TEXT_SIZE];
	struct digest d;

	hasher_add_str(h, "history 2");
	hasher_add_str(h, step->definition ? step->definition : "");
	hasher_add_str(h, step->name);
	d = hasher_final(h);
	digest_hex(&d, hex);
	snprintf(out, PATH_SIZE, "history/%.2s/%s.json", hex, hex + 2);
}

/* ---- reading ---- */

static struct err *read_file(const struct store *s, const struct history_step *step,
			     cJSON **out)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(json_freep) cJSON *json = NULL;
	char path[PATH_SIZE];
	const char *name;

	path_of(step, path);
	TRY(fs_read_file(store_fd(s), path, FILE_MAX_BYTES, &text));
	TRY(err_recode(json_parse(str_make(buf_text(&text), text.len), &json),
		       ERR_NOTFOUND));
	name = json_string(json, "step");
	if (!name || strcmp(name, step->name) != 0)
		return err_new(ERR_NOTFOUND, "'%s' belongs to another step", path);
	*out = STEAL(json);
	return NULL;
}

struct err *history_load(const struct store *s, const struct history_step *step,
			 cJSON **out)
{
	CLEANUP(json_freep) cJSON *pointer = NULL;
	struct history_step other = {NULL, step->name};
	struct err *e = read_file(s, step, out);

	if (!e)
		return NULL;
	err_ignore(e, "another definition may have built it");
	TRY(read_file(s, &other, &pointer));
	other.definition = json_string(pointer, "definition");
	if (!other.definition)
		return err_new(ERR_NOTFOUND, "no history of '%s'", step->name);
	return read_file(s, &other, out);
}

static int compare_u64(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

bool history_expected_ms(const cJSON *history, uint64_t *out)
{
	const cJSON *item, *durations = json_array(history, "durations_ms");
	uint64_t values[HISTORY_DURATIONS];
	size_t n = 0;

	cJSON_ArrayForEach(item, durations) if (cJSON_IsNumber(item) &&
						item->valuedouble >= 0 &&
						n < ARRAY_LEN(values)) values[n++] =
		(uint64_t)item->valuedouble;
	if (n == 0)
		return false;
	qsort(values, n, sizeof(*values), compare_u64);
	*out = values[n / 2];
	return true;
}

/* ---- making room ---- */

struct folder_use {
	size_t files;
	uint64_t bytes;
	char oldest[256];
	struct timespec oldest_time;
};

static bool is_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

static bool is_ours(const char *name)
{
	CLEANUP(freep) char *path = path_join("history/00", name);

	return store_name_of(path) == STORE_NAME_FILE;
}

static void look_at(int folder, const char *name, const char *kept,
		    struct folder_use *use)
{
	struct stat st;

	if (!is_ours(name) || fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return;
	use->files++;
	use->bytes += (uint64_t)st.st_size;
	if (strcmp(name, kept) == 0 ||
	    (use->oldest[0] && !is_before(&st.st_mtim, &use->oldest_time)))
		return;
	snprintf(use->oldest, sizeof(use->oldest), "%s", name);
	use->oldest_time = st.st_mtim;
}

static struct folder_use measure_folder(int folder, const char *kept)
{
	struct folder_use use = {0};
	CLEANUP(dir_closep) DIR *dir = dir_open(folder, ".", 0);
	const char *name;

	while (dir && (name = dir_next(dir)) != NULL)
		look_at(folder, name, kept, &use);
	return use;
}

/* File `kept` stays, whatever its size. */
static void make_room(int folder, const char *kept)
{
	struct folder_use use = measure_folder(folder, kept);

	while (use.oldest[0] &&
	       (use.files > FOLDER_MAX_FILES || use.bytes > FOLDER_MAX_BYTES)) {
		if (unlinkat(folder, use.oldest, 0) != 0 && errno != ENOENT)
			return;
		use = measure_folder(folder, kept);
	}
}

/* ---- writing ---- */

static struct err *write_file(const struct store *s, const struct history_step *step,
			      const cJSON *content)
{
	CLEANUP(freep) char *text = json_print(content);
	CLEANUP(closep) int folder = -1;
	char path[PATH_SIZE], *slash;

	path_of(step, path);
	TRY(store_publish(s, path, text));
	slash = strrchr(path, '/');
	*slash = '\0';
	TRY(fs_open(store_fd(s), path, O_RDONLY | O_DIRECTORY, 0, &folder));
	make_room(folder, slash + 1);
	return NULL;
}

/* So that a copy or another name of the definition knows where to look. */
static struct err *write_pointer(const struct store *s, const struct history_step *step)
{
	const struct history_step any = {NULL, step->name};
	CLEANUP(json_freep) cJSON *json = NULL;
	CLEANUP(json_freep) cJSON *fresh = cJSON_CreateObject();
	struct err *e = read_file(s, &any, &json);
	const char *known = e ? NULL : json_string(json, "definition");

	err_ignore(e, "none yet");
	cJSON_AddStringToObject(fresh, "step", step->name);
	cJSON_AddStringToObject(fresh, "definition", step->definition);
	if (known && strcmp(known, step->definition) == 0)
		return NULL;
	return write_file(s, &any, fresh);
}

static cJSON *own_array(cJSON *history, const char *name)
{
	cJSON *array = json_array(history, name);

	if (array)
		return array;
	cJSON_DeleteItemFromObject(history, name);
	return cJSON_AddArrayToObject(history, name);
}

static cJSON *load_or_new(const struct store *s, const struct history_step *step)
{
	cJSON *history = NULL;
	struct err *e = read_file(s, step, &history);

	err_ignore(e, "the first build");
	if (history)
		return history;
	history = cJSON_CreateObject();
	cJSON_AddStringToObject(history, "step", step->name);
	cJSON_AddStringToObject(history, "definition", step->definition);
	return history;
}

static bool has_key(const cJSON *build, const char *key)
{
	const char *own = json_string(build, "key");

	return own && strcmp(own, key) == 0;
}

static int find_key(const cJSON *builds, const char *key)
{
	int n = cJSON_GetArraySize(builds);

	for (int i = 0; i < n; i++)
		if (has_key(cJSON_GetArrayItem(builds, i), key))
			return i;
	return -1;
}

static void shorten(cJSON *array, int most)
{
	while (cJSON_GetArraySize(array) > most)
		cJSON_DeleteItemFromArray(array, most);
}

static void add_duration(cJSON *history, const cJSON *build)
{
	cJSON *durations = own_array(history, "durations_ms");
	uint64_t ms = 0;

	if (!json_u64(build, "duration_ms", &ms))
		return;
	cJSON_InsertItemInArray(durations, 0, cJSON_CreateNumber((double)ms));
	shorten(durations, HISTORY_DURATIONS);
}

struct err *history_add(const struct store *s, const struct history_step *step,
			cJSON *build)
{
	CLEANUP(json_freep) cJSON *history = load_or_new(s, step);
	cJSON *builds = own_array(history, "builds");
	const char *key = json_string(build, "key");
	int at = key ? find_key(builds, key) : -1;

	add_duration(history, build);
	if (at >= 0)
		cJSON_DeleteItemFromArray(builds, at);
	cJSON_InsertItemInArray(builds, 0, build);
	shorten(builds, HISTORY_BUILDS);
	for (int i = HISTORY_LISTS; i < cJSON_GetArraySize(builds); i++)
		cJSON_DeleteItemFromObject(cJSON_GetArrayItem(builds, i), "files");
	TRY(write_file(s, step, history));
	return write_pointer(s, step);
}

struct err *history_use(const struct store *s, const struct history_step *step,
			const struct digest *key)
{
	CLEANUP(json_freep) cJSON *history = NULL;
	char hex[DIGEST_TEXT_SIZE];
	struct err *e = read_file(s, step, &history);
	cJSON *builds = e ? NULL : json_array(history, "builds");
	int at = builds ? find_key(builds, digest_hex(key, hex)) : -1;

	err_ignore(e, "nothing is known of it");
	if (at <= 0)
		return NULL;
	cJSON_InsertItemInArray(builds, 0, cJSON_DetachItemFromArray(builds, at));
	return write_file(s, step, history);
}

/* ---- evictions ---- */

static struct err *append_eviction(const struct store *s, const char *line)
{
	CLEANUP(closep) int fd = -1;
	struct stat st;

	TRY(fs_mkdirs(store_fd(s), "history", 0700));
	TRY(fs_open(store_fd(s), EVICTED, O_WRONLY | O_CREAT | O_APPEND, 0600, &fd));
	TRY(fs_write_all(fd, line, strlen(line)));
	if (fstat(fd, &st) != 0)
		return err_sys("'%s'", EVICTED);
	if (st.st_size > EVICTED_MAX_BYTES &&
	    renameat(store_fd(s), EVICTED, store_fd(s), EVICTED_OLD) != 0 &&
	    errno != ENOENT)
		return err_sys("'%s'", EVICTED);
	return NULL;
}

void history_note_evicted(const struct store *s, const struct digest *key,
			  const char *why)
{
	char hex[DIGEST_TEXT_SIZE];
	CLEANUP(freep)
	char *line = xasprintf("%s %lld %.39s\n", digest_hex(key, hex),
			       (long long)(clock_real_ns() / 1000000000), why);

	err_ignore(append_eviction(s, line), "`why` has less to say");
}

/* The last line of `path` for `hex`. */
static bool find_eviction(const struct store *s, const char *path, const char *hex,
			  struct eviction *out)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct err *e =
		fs_read_file(store_fd(s), path, (size_t)EVICTED_MAX_BYTES + 65536, &text);
	struct str rest = str_make(buf_text(&text), text.len), line, key, time;
	bool found = false;

	err_ignore(e, "nothing was evicted");
	while (!e && rest.len > 0) {
		str_cut(rest, '\n', &line, &rest);
		str_cut(line, ' ', &key, &line);
		str_cut(line, ' ', &time, &line);
		if (!str_is(key, hex) || !str_to_u64(time, &out->time_s))
			continue;
		snprintf(out->why, sizeof(out->why), "%.*s", STR_ARG(line));
		found = true;
	}
	return found;
}

bool history_evicted(const struct store *s, const struct digest *key,
		     struct eviction *out)
{
	char hex[DIGEST_TEXT_SIZE];

	digest_hex(key, hex);
	return find_eviction(s, EVICTED, hex, out) ||
	       find_eviction(s, EVICTED_OLD, hex, out);
}
