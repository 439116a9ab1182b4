/* SPDX-License-Identifier: MIT
 * record.h - what a key produced.
 *
 * Purpose:   small JSON files under records/, written by rename. A record written before
 *            its layers are known to be on disk carries the machine's boot id, and counts
 *            only until the machine restarts; record_settle() syncs and lifts that limit.
 * Ownership: trees are the caller's.
 * Threads:   any.
 * Errors:    record_load(): ERR_NOTFOUND for a miss, also when the file is damaged or
 *            from another boot.
 */
#ifndef CACHE_RECORD_H
#define CACHE_RECORD_H

#include "base/json.h"
#include "cache/layer.h"
#include "cache/store.h"

NODISCARD struct err *record_load(const struct store *s, const struct digest *key,
				  cJSON **out);
/* Write `record`, an object; this sets members "boot" and "key". */
NODISCARD struct err *record_save(struct store *s, const struct digest *key,
				  cJSON *record);
/* The same for a record that names no layer and can be fetched again when lost: it counts
 * at once, and costs no sync. */
NODISCARD struct err *record_save_memo(const struct store *s, const struct digest *key,
				       cJSON *record);
/* A loaded record may come from a process that was killed before it settled it: let
 * record_settle() do that. */
void record_adopt(struct store *s, const struct digest *key, const cJSON *record);
/* Sync the store's filesystem, then let the records written since the last call count
 * after a power cut too. */
NODISCARD struct err *record_settle(struct store *s);

/* When the record was last used, in milliseconds since 1970; 0: not known. */
uint64_t record_used_ms(const struct store *s, const struct digest *key);

/* A snapshot as a JSON array of layer names, and back (false when it is not one), without
 * the layers' identities. */
cJSON *record_snapshot(const struct snapshot *chain);
bool record_to_snapshot(const cJSON *array, struct snapshot *out);
/* The map of ids with which its layers were made: under another map they have other
 * owners. `map` is any text; false when it is a different one. */
void record_set_ids(cJSON *record, const char *map);
bool record_has_ids(const cJSON *record, const char *map);
/* What a step made, as members "snapshot" and "identities" of its record, and back. Times
 * are left out. */
void record_add_chain(cJSON *record, const struct snapshot *chain);
bool record_take_chain(const cJSON *record, struct snapshot *out);

#endif
