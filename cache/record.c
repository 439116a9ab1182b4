/* SPDX-License-Identifier: MIT
 * record.c - see record.h.
 */
#include "cache/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/sync.h"
#include "cache/store_private.h"

static const off_t RECORD_MAX = (off_t)64 << 20;

enum { PATH_SIZE = 96 };

static void record_path(const struct digest *key, char *out)
{
	char hex[DIGEST_TEXT_SIZE];

	digest_hex(key, hex);
	snprintf(out, PATH_SIZE, "records/%.2s/%s.json", hex, hex + 2);
}

static struct err *read_record(const struct store *s, const char *path, cJSON **out)
{
	CLEANUP(freep) char *text = NULL;
	CLEANUP(closep) int fd = -1;
	struct stat st;

	TRY(fs_open(s->fd, path, O_RDONLY, 0, &fd));
	if (fstat(fd, &st) != 0)
		return err_sys("'%s'", path);
	if (st.st_size > RECORD_MAX)
		return err_new(ERR_CORRUPT, "'%s' is too long", path);
	/* It was whole when it was renamed to its name, so its length is final. */
	text = xmalloc((size_t)st.st_size + 1);
	TRY(err_wrap(fs_read_exact(fd, text, (size_t)st.st_size), "'%s'", path));
	store_touch(s, fd, &st);
	return err_recode(json_parse(str_make(text, (size_t)st.st_size), out),
			  ERR_NOTFOUND);
}

struct err *record_load(const struct store *s, const struct digest *key, cJSON **out)
{
	CLEANUP(json_freep) cJSON *record = NULL;
	char path[PATH_SIZE], hex[DIGEST_TEXT_SIZE];
	const char *boot, *own;

	record_path(key, path);
	if (!store_claim(s, LEASE_RECORD, digest_hex(key, hex)))
		return err_new(ERR_NOTFOUND, "record '%s' cannot be claimed", path);
	TRY(read_record(s, path, &record));
	own = json_string(record, "key");
	if (!own || strcmp(own, digest_hex(key, hex)) != 0)
		return err_new(ERR_NOTFOUND, "record '%s' belongs to another key", path);
	boot = json_string(record, "boot");
	if (boot && strcmp(boot, s->boot_id) != 0)
		return err_new(ERR_NOTFOUND,
			       "record '%s' was not on disk when the machine stopped",
			       path);
	*out = STEAL(record);
	return NULL;
}

/* Not synced: until record_settle() a record may be lost, but a broken one is never
 * believed. */
static struct err *write_record(const struct store *s, const struct digest *key,
				const cJSON *record)
{
	CLEANUP(freep) char *text = json_print(record);
	char path[PATH_SIZE];
	struct err *e;

	record_path(key, path);
	e = store_publish(s, path, text);
	/* The collector removes empty folders: ours may disappear before we use it. */
	for (int tries = 0; e && err_code(e) == ERR_NOTFOUND && tries < 16; tries++) {
		err_ignore(e, "tried again");
		e = store_publish(s, path, text);
	}
	return e;
}

static void set_member(cJSON *record, const char *name, const char *value)
{
	cJSON_DeleteItemFromObject(record, name);
	cJSON_AddStringToObject(record, name, value);
}

struct err *record_save_memo(const struct store *s, const struct digest *key,
			     cJSON *record)
{
	char hex[DIGEST_TEXT_SIZE];

	set_member(record, "key", digest_hex(key, hex));
	store_claim(s, LEASE_RECORD, hex);
	return err_wrap(write_record(s, key, record), "record '%s'", hex);
}

static struct digest text_digest(const cJSON *record)
{
	CLEANUP(freep) char *text = json_print(record);

	return digest_bytes(DIGEST_SHA256, NULL, text, strlen(text));
}

static void add_unsettled(struct store *s, const struct digest *key, const cJSON *record)
{
	struct unsettled one = {*key, text_digest(record)};

	pthread_mutex_lock(&s->lock);
	vec_push(&s->unsettled, one);
	pthread_mutex_unlock(&s->lock);
}

void record_adopt(struct store *s, const struct digest *key, const cJSON *record)
{
	if (json_string(record, "boot"))
		add_unsettled(s, key, record);
}

struct err *record_save(struct store *s, const struct digest *key, cJSON *record)
{
	set_member(record, "boot", s->boot_id);
	TRY(record_save_memo(s, key, record));
	add_unsettled(s, key, record);
	return NULL;
}

/* Write it without its boot id, unless another process has replaced it: our sync may not
 * cover the layers of what it wrote, which it settles itself.  That does not count as
 * use: its time, by which the collector orders what to remove, stays. */
static struct err *settle_one(const struct store *s, const struct unsettled *ours)
{
	const struct digest *key = &ours->key;
	CLEANUP(json_freep) cJSON *record = NULL;
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}};
	struct digest text;
	char path[PATH_SIZE];
	struct stat st;
	struct err *e;

	record_path(key, path);
	if (fstatat(s->fd, path, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? NULL : err_sys("'%s'", path);
	times[1] = st.st_mtim;
	e = record_load(s, key, &record);
	if (e && err_code(e) == ERR_NOTFOUND) {
		err_ignore(e, "somebody removed it meanwhile");
		return NULL;
	}
	TRY(e);
	text = text_digest(record);
	if (!digest_equal(&text, &ours->text))
		return NULL;
	cJSON_DeleteItemFromObject(record, "boot");
	TRY(write_record(s, key, record));
	(void)utimensat(s->fd, path, times, 0); /* else it seems younger */
	return NULL;
}

struct err *record_settle(struct store *s)
{
	if (s->unsettled.len == 0)
		return NULL;
	TRY(err_wrap(sync_filesystem(s->fd), "'%s'", s->dir));
	for (size_t i = 0; i < s->unsettled.len; i++)
		TRY(settle_one(s, &s->unsettled.items[i]));
	vec_free(&s->unsettled);
	return NULL;
}

uint64_t record_used_ms(const struct store *s, const struct digest *key)
{
	char path[PATH_SIZE];
	struct stat st;

	record_path(key, path);
	if (fstatat(s->fd, path, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return 0;
	return (uint64_t)st.st_mtim.tv_sec * 1000 +
	       (uint64_t)st.st_mtim.tv_nsec / 1000000;
}

cJSON *record_snapshot(const struct snapshot *chain)
{
	cJSON *array = cJSON_CreateArray();

	for (size_t i = 0; i < chain->len; i++)
		cJSON_AddItemToArray(array, cJSON_CreateString(chain->layers[i].name));
	return array;
}

static bool layer_name_is_valid(const char *name)
{
	return name && strlen(name) == sizeof(((struct layer_id *)0)->name) - 1 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz234567") == strlen(name);
}

bool record_to_snapshot(const cJSON *array, struct snapshot *out)
{
	const cJSON *item;

	snapshot_release(out);
	if (!cJSON_IsArray(array))
		return false;
	cJSON_ArrayForEach(item, array)
	{
		const char *name = cJSON_GetStringValue(item);
		struct layer_id id = {0};

		if (!layer_name_is_valid(name)) {
			snapshot_release(out);
			return false;
		}
		memcpy(id.name, name, sizeof(id.name));
		snapshot_push(out, &id);
	}
	return true;
}

void record_add_chain(cJSON *record, const struct snapshot *chain)
{
	cJSON *array = cJSON_CreateArray();
	char text[IDENTITY_TEXT_SIZE];

	for (size_t i = 0; i < chain->len; i++)
		cJSON_AddItemToArray(array, cJSON_CreateString(identity_format(
						    &chain->layers[i].identity, text)));
	cJSON_AddItemToObject(record, "snapshot", record_snapshot(chain));
	cJSON_AddItemToObject(record, "identities", array);
}

static bool take_identities(const cJSON *array, struct snapshot *out)
{
	const cJSON *item;
	size_t i = 0;

	if (!cJSON_IsArray(array) || (size_t)cJSON_GetArraySize(array) != out->len)
		return false;
	cJSON_ArrayForEach(item, array)
	{
		const char *text = cJSON_GetStringValue(item);

		if (!text || !identity_parse(str_of(text), &out->layers[i++].identity))
			return false;
	}
	return true;
}

bool record_take_chain(const cJSON *record, struct snapshot *out)
{
	if (record_to_snapshot(json_array(record, "snapshot"), out) &&
	    take_identities(json_array(record, "identities"), out))
		return true;
	snapshot_release(out);
	return false;
}

void record_set_ids(cJSON *record, const char *map)
{
	set_member(record, "ids", map);
}

bool record_has_ids(const cJSON *record, const char *map)
{
	const char *own = json_string(record, "ids");

	return own && strcmp(own, map) == 0;
}
