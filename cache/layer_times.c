/* SPDX-License-Identifier: MIT
 * layer_times.c - see layer_times.h.
 */
#include "cache/layer_times.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/folder_walk.h"
#include "base/fs.h"
#include "base/path.h"
#include "cache/key.h"
#include "cache/record.h"

struct times {
	struct hasher *hasher;
	struct folder_walk walk;
	int64_t epoch_s;
};

static void times_release(struct times *t)
{
	hasher_free(t->hasher);
	folder_walk_release(&t->walk);
}

/* In the order of the layer's identity, which covers the names. */
static struct err *add(struct times *t, int dir_fd, const char *name)
{
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return err_sys("'%s'", name);
	/* A whiteout is invisible, and so has no time. */
	if (!S_ISCHR(st.st_mode) || st.st_rdev != 0)
		hasher_add_u64(t->hasher, (uint64_t)(st.st_mtim.tv_sec < t->epoch_s
							     ? st.st_mtim.tv_sec
							     : t->epoch_s));
	return S_ISDIR(st.st_mode) ? folder_walk_enter(&t->walk, dir_fd, name) : NULL;
}

static struct err *add_all(struct times *t, int dir_fd, const char *name)
{
	TRY(add(t, dir_fd, name));
	while (folder_walk_is_inside(&t->walk)) {
		TRY(folder_walk_next(&t->walk, &name));
		if (name)
			TRY(add(t, folder_walk_fd(&t->walk), name));
		else
			TRY(folder_walk_leave(&t->walk));
	}
	return NULL;
}

static struct err *make_times(const struct store *s, const struct layer_id *id,
			      int64_t epoch_s, struct stop stop, struct digest *out)
{
	CLEANUP(freep) char *path = path_join("layers", id->name);
	CLEANUP(times_release)
	struct times t = {
		.hasher = hasher_new(DIGEST_SHA256, NULL),
		.walk = {.stop = stop},
		.epoch_s = epoch_s,
	};
	struct err *e;

	hasher_add_str(t.hasher, "times");
	e = add_all(&t, store_fd(s), path);
	/* ERR_NOTFOUND would say that the times are not known. */
	if (e && err_code(e) == ERR_NOTFOUND)
		e = err_recode(e, ERR_CORRUPT);
	TRY(err_wrap(e, "layer '%s'", id->name));
	*out = hasher_final(t.hasher);
	return NULL;
}

static struct digest memo_key(const struct layer_id *id, int64_t epoch_s)
{
	CLEANUP(key_freep) struct key *key = key_new("layer times");

	key_set_text(key, "layer", id->name);
	key_set_u64(key, "SOURCE_DATE_EPOCH", (uint64_t)epoch_s);
	return key_final(key);
}

static bool load(const struct store *s, const struct digest *key, struct digest *out)
{
	CLEANUP(json_freep) cJSON *record = NULL;
	struct err *e = record_load(s, key, &record);
	const char *text = e ? NULL : json_string(record, "digest");

	err_ignore(e, "not looked at before");
	return text && digest_parse(str_of(text), out) && out->kind == DIGEST_SHA256;
}

static struct err *save(const struct store *s, const struct digest *key,
			const struct digest *digest)
{
	CLEANUP(json_freep) cJSON *record = cJSON_CreateObject();
	char text[DIGEST_TEXT_SIZE];

	cJSON_AddStringToObject(record, "kind", "layer times");
	cJSON_AddStringToObject(record, "digest", digest_format(digest, text));
	return record_save_memo(s, key, record);
}

struct err *layer_times(const struct store *s, const struct layer_id *id, int64_t epoch_s,
			bool may_look, struct stop stop, struct digest *out)
{
	struct digest key = memo_key(id, epoch_s);

	if (load(s, &key, out))
		return NULL;
	if (!may_look)
		return err_new(ERR_NOTFOUND, "the times in layer '%s' are not known",
			       id->name);
	TRY(make_times(s, id, epoch_s, stop, out));
	err_ignore(save(s, &key, out), "the next run looks again");
	return NULL;
}
