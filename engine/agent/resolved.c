/* SPDX-License-Identifier: MIT
 * resolved.c - see resolved.h.
 */
#include "engine/agent/resolved.h"

#include "base/clock.h"
#include "cache/key.h"
#include "cache/record.h"

static struct digest memo_key(const char *name)
{
	CLEANUP(key_freep) struct key *key = key_new("resolved");

	key_set_text(key, "reference", name);
	return key_final(key);
}

static bool load_memo(const struct agent_context *c, const struct digest *key,
		      struct digest *out)
{
	CLEANUP(json_freep) cJSON *record = NULL;
	struct err *e = record_load(c->store, key, &record);
	uint64_t when = 0;
	const char *text;

	if (e) {
		err_ignore(e, "never resolved");
		return false;
	}
	text = json_string(record, "digest");
	if (!text || !json_u64(record, "time_ms", &when))
		return false;
	/* With a network, only what this very command has resolved counts, and not what
	 * was resolved while the clock was ahead. */
	if (c->use_network && c->resolved_since > 0 &&
	    ((int64_t)when < c->resolved_since / 1000000 ||
	     (int64_t)when > clock_real_ns() / 1000000))
		return false;
	if (c->resolved_ns)
		*c->resolved_ns = (int64_t)when * 1000000;
	return digest_parse(str_of(text), out);
}

static struct err *save_memo(const struct agent_context *c, const struct digest *key,
			     const char *name, const struct digest *digest)
{
	CLEANUP(json_freep) cJSON *record = cJSON_CreateObject();
	char text[DIGEST_TEXT_SIZE];

	cJSON_AddStringToObject(record, "kind", "resolved");
	cJSON_AddStringToObject(record, "reference", name);
	cJSON_AddStringToObject(record, "digest", digest_format(digest, text));
	json_add_u64(record, "time_ms", (uint64_t)clock_real_ns() / 1000000);
	if (c->resolved_ns)
		*c->resolved_ns = clock_real_ns();
	return record_save_memo(c->store, key, record);
}

static struct err *ask_and_save(const struct agent_context *c, const struct digest *key,
				const char *name, resolved_ask ask, void *self,
				struct digest *out)
{
	TRY(ask(self, out));
	return save_memo(c, key, name, out);
}

struct err *resolved_find(const struct agent_context *c, const char *name,
			  const char *pinned, resolved_ask ask, void *self,
			  struct digest *out)
{
	struct digest key = memo_key(name);
	struct err *e = NULL;
	bool waited;

	if (c->is_fresh)
		return c->use_network
			       ? ask_and_save(c, &key, name, ask, self, out)
			       : err_new(ERR_NETWORK,
					 "'%s' must be asked for, and no request may "
					 "be made",
					 name);
	if (load_memo(c, &key, out))
		return NULL;
	if (!c->use_network)
		return err_hint(err_new(ERR_NOTFOUND, "'%s' was never resolved", name),
				"build once without --offline%s%s",
				pinned ? ", or name a digest: " : "",
				pinned ? pinned : "");
	/* Stages with one tag get one digest, even if the tag moves meanwhile. */
	TRY(flight_enter(c->flights, &key, c->task, &waited));
	if (!load_memo(c, &key, out))
		e = ask_and_save(c, &key, name, ask, self, out);
	flight_leave(c->flights, &key, e);
	return e;
}
