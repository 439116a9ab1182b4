/* SPDX-License-Identifier: MIT
 * place_note.c - see place_note.h.
 */
#include "frontend/project/place_note.h"

#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#include "base/str.h"
#include "cache/key.h"
#include "cache/record.h"
#include "frontend/ui/say.h"

static const char CLEANED[] = "many machines remove old files there";
static const char MEMORY[] = "it takes memory, and is lost when the machine stops";

static const struct {
	const char *folder, *note;
} places[] = {
	/* systemd-tmpfiles: 10 and 30 days; tmpreaper, tmpwatch and site scripts */
	{"/tmp/", CLEANED},
	{"/var/tmp/", CLEANED},
	{"/scratch/", CLEANED},
};

static const struct {
	uint32_t type; /* statfs(2), linux/magic.h */
	const char *note;
} filesystems[] = {
	{0x01021994, MEMORY}, /* tmpfs */
	{0x858458f6, MEMORY}, /* ramfs */
};

/* What is wrong with keeping a cache in `dir` (absolute, without links), on a filesystem
 * of `type` (statfs(2)): a literal, or NULL. */
static const char *note_of(const char *dir, uint32_t type)
{
	for (size_t i = 0; i < ARRAY_LEN(filesystems); i++)
		if (filesystems[i].type == type)
			return filesystems[i].note;
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (str_starts_with(str_of(dir), places[i].folder))
			return places[i].note;
	return NULL;
}

/* True the first time: a record in the store says that the user was told. */
static bool is_news(const struct store *s)
{
	CLEANUP(key_freep) struct key *key = key_new("told");
	CLEANUP(json_freep) cJSON *record = NULL;
	struct digest digest;
	struct err *e;

	key_set_text(key, "note", "place of the cache");
	digest = key_final(key);
	e = record_load(s, &digest, &record);
	if (!e)
		return false;
	err_ignore(e, "not told yet");
	record = cJSON_CreateObject();
	cJSON_AddStringToObject(record, "kind", "told");
	err_ignore(record_save_memo(s, &digest, record), "it is told again");
	return true;
}

void place_note_tell(const struct store *s)
{
	CLEANUP(freep) char *dir = realpath(store_dir(s), NULL);
	const char *note;
	struct statfs fs;

	if (!dir || fstatfs(store_fd(s), &fs) != 0)
		return;
	note = note_of(dir, (uint32_t)fs.f_type);
	if (note && is_news(s))
		say_line("note: the cache is in %s: %s\n  hint: set DAGBUILD_CACHEDIR to "
			 "another folder",
			 dir, note);
}
