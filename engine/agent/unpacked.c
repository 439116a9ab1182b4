/* SPDX-License-Identifier: MIT
 * unpacked.c - see unpacked.h.
 */
#include "engine/agent/unpacked.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/fs.h"
#include "cache/key.h"
#include "cache/record.h"
#include "engine/tree/links.h"

struct digest unpacked_key(const struct agent_context *c, const char *kind,
			   const struct digest *id)
{
	CLEANUP(key_freep) struct key *key = key_new(kind);

	key_set_text(key, "id map", c->id_class);
	key_set_digest(key, "layer", id);
	return key_final(key);
}

static bool take_layer(const cJSON *record, struct unpacked *u)
{
	const char *identity = json_string(record, "identity");

	return record_to_snapshot(json_array(record, "layers"), &u->layer) &&
	       (!identity ||
		(u->layer.len == 1 &&
		 identity_parse(str_of(identity), &u->layer.layers[0].identity)));
}

bool unpacked_load(const struct agent_context *c, const struct digest *key,
		   struct unpacked *out)
{
	CLEANUP(json_freep) cJSON *record = NULL;
	struct err *e = record_load(c->store, key, &record);

	if (!e && (!record_has_ids(record, c->id_map) || !take_layer(record, out)))
		e = err_new(ERR_CORRUPT, "its record names no layers of ours");
	if (!e)
		e = snapshot_check(c->store, &out->layer,
				   cancel_stop(task_cancel(c->task)));
	if (e) {
		err_ignore(e, "a new layer");
		snapshot_release(&out->layer);
		return false;
	}
	out->needs_parents = json_bool(record, "needs_parents", false);
	out->has_root = json_bool(record, "has_root", false);
	if (json_string(record, "oci_config"))
		out->oci_config = xstrdup(json_string(record, "oci_config"));
	record_adopt(c->store, key, record);
	return true;
}

struct err *unpacked_save(const struct agent_context *c, const struct digest *key,
			  const struct unpacked *u)
{
	CLEANUP(json_freep) cJSON *record = cJSON_CreateObject();
	char text[IDENTITY_TEXT_SIZE];

	cJSON_AddStringToObject(record, "kind", "layer");
	cJSON_AddBoolToObject(record, "needs_parents", u->needs_parents);
	cJSON_AddBoolToObject(record, "has_root", u->has_root);
	cJSON_AddItemToObject(record, "layers", record_snapshot(&u->layer));
	if (u->layer.len > 0 && u->layer.layers[0].identity.kind)
		cJSON_AddStringToObject(
			record, "identity",
			identity_format(&u->layer.layers[0].identity, text));
	if (u->oci_config)
		cJSON_AddStringToObject(record, "oci_config", u->oci_config);
	record_set_ids(record, c->id_map);
	return record_save(c->store, key, record);
}

struct err *unpacked_publish(const struct scratch *scratch, const struct task *task,
			     bool has_name, struct unpacked *u)
{
	struct seal_request layer = {
		.store = scratch->store,
		.dir_fd = scratch->fd,
		.name = "upper",
		.has_name = has_name && !u->is_less,
		.stop = cancel_stop(task_cancel(task)),
	};
	CLEANUP(closep) int upper = -1;
	struct layer_id id;

	TRY(fs_open(scratch->fd, "upper", O_RDONLY | O_DIRECTORY, 0, &upper));
	TRY(links_mark(upper, &layer.stop));
	TRY(layer_publish(&layer, &id));
	snapshot_push(&u->layer, &id);
	return NULL;
}

void unpacked_release(struct unpacked *u)
{
	snapshot_release(&u->layer);
	free(u->oci_config);
}
