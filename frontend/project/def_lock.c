/* SPDX-License-Identifier: MIT
 * def_lock.c - see def_lock.h.
 */
#include "frontend/project/def_lock.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/output.h"

/* Of the schema; it rises when a member is removed or changes its meaning. */
static const uint64_t VERSION = 1;

static const struct {
	const char *name;
	size_t offset; /* in struct def_lock_base, of a char * */
} members[] = {
	{"agent", offsetof(struct def_lock_base, agent)},
	{"reference", offsetof(struct def_lock_base, reference)},
	{"platform", offsetof(struct def_lock_base, platform)},
	{"date", offsetof(struct def_lock_base, date)},
};

static char **member(struct def_lock_base *base, size_t i)
{
	return (char **)(void *)((char *)base + members[i].offset);
}

static void base_release(struct def_lock_base *base)
{
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		free(*member(base, i));
}

char *def_lock_path(const char *file)
{
	return xasprintf("%s.lock", file);
}

/* ---- reading ---- */

static struct err *malformed(const char *path, const char *what)
{
	return err_hint(err_new(ERR_SYNTAX, "'%s' is not a lock file: %s", path, what),
			"write it again with 'dagbuild lock --update', or ignore it with "
			"--ignore-lock");
}

static struct err *read_base(const char *path, const cJSON *object, struct def_lock *out)
{
	const char *digest = json_string(object, "digest");
	struct def_lock_base base = {0};

	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		const char *text = json_string(object, members[i].name);

		if (!text)
			return malformed(path, "the description of a base is incomplete");
		*member(&base, i) = (char *)text;
	}
	if (!digest || !digest_parse(str_of(digest), &base.digest) ||
	    base.digest.kind != DIGEST_SHA256)
		return malformed(path, "a base has no sha256 digest");
	def_lock_add(out, &base);
	return NULL;
}

struct err *def_lock_read(const char *path, struct given *given, struct def_lock *out,
			  bool *found)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(json_freep) cJSON *tree = NULL;
	const cJSON *bases, *item;
	uint64_t version = 0;
	struct err *e;

	TRY(given_read_if_any(given, GIVEN_LOCK, path, &text, found));
	if (!*found)
		return NULL;
	e = json_parse(str_make(buf_text(&text), text.len), &tree);
	if (e) {
		err_ignore(e, "told in the user's words");
		return malformed(path, "it is not JSON");
	}
	if (!json_u64(tree, "version", &version) || version != VERSION)
		return malformed(path, "this dagbuild does not support its version");
	bases = json_array(tree, "bases");
	if (!bases)
		return malformed(path, "it has no list of bases");
	cJSON_ArrayForEach(item, bases)
	{
		TRY(read_base(path, item, out));
	}
	return NULL;
}

/* ---- writing ---- */

static void write_base(const struct def_lock_base *base, struct buf *out)
{
	char digest[DIGEST_TEXT_SIZE];

	buf_puts(out, "\n    {");
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		const char *text = *member((struct def_lock_base *)base, i);

		buf_printf(out, "\n      \"%s\": ", members[i].name);
		buf_json_string(out, text, strlen(text));
		buf_putc(out, ',');
	}
	buf_printf(out, "\n      \"digest\": \"%s\"\n    }",
		   digest_format(&base->digest, digest));
}

struct err *def_lock_write(const char *path, const struct def_lock *lock)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;

	buf_printf(&out, "{\n  \"version\": %llu,\n  \"bases\": [",
		   (unsigned long long)VERSION);
	for (size_t i = 0; i < lock->bases.len; i++) {
		buf_puts(&out, i > 0 ? "," : "");
		write_base(&lock->bases.items[i], &out);
	}
	buf_puts(&out, lock->bases.len > 0 ? "\n  ]\n}\n" : "]\n}\n");
	TRY(output_check(path));
	return err_wrap(fs_write_atomic(AT_FDCWD, path, buf_text(&out), out.len, 0666),
			"the lock file '%s' cannot be written", path);
}

/* ---- looking up ---- */

const struct def_lock_base *def_lock_find(const struct def_lock *lock, const char *agent,
					  const char *reference)
{
	for (size_t i = 0; i < lock->bases.len; i++) {
		const struct def_lock_base *base = &lock->bases.items[i];

		if (strcmp(base->agent, agent) == 0 &&
		    strcmp(base->reference, reference) == 0)
			return base;
	}
	return NULL;
}

/* A colon after the last slash begins the tag. */
static struct str without_tag(const char *reference)
{
	const char *slash = strrchr(reference, '/');
	const char *colon = strchr(slash ? slash : reference, ':');

	return colon ? str_make(reference, (size_t)(colon - reference))
		     : str_of(reference);
}

const struct def_lock_base *def_lock_find_like(const struct def_lock *lock,
					       const char *agent, const char *reference)
{
	for (size_t i = 0; i < lock->bases.len; i++) {
		const struct def_lock_base *base = &lock->bases.items[i];

		if (strcmp(base->agent, agent) == 0 &&
		    str_equal(without_tag(base->reference), without_tag(reference)))
			return base;
	}
	return NULL;
}

void def_lock_add(struct def_lock *lock, const struct def_lock_base *base)
{
	struct def_lock_base copy = *base;

	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		*member(&copy, i) = xstrdup(*member(&copy, i));
	vec_push(&lock->bases, copy);
}

void def_lock_release(struct def_lock *lock)
{
	for (size_t i = 0; i < lock->bases.len; i++)
		base_release(&lock->bases.items[i]);
	vec_free(&lock->bases);
}
