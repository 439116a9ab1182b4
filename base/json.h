/* SPDX-License-Identifier: MIT
 * json.h - cJSON with limits and typed access.
 *
 * Purpose:   parses all JSON, whoever wrote it.
 * Ownership: json_parse() gives the caller a tree; json_freep() ends it. The texts that
 *            json_string() returns live as long as the tree.
 * Threads:   parsing from any thread; a tree belongs to one thread.  cJSON writes a
 *            global at each parse; its README ("Thread Safety") says that this is safe as
 *            long as nothing calls cJSON_GetErrorPtr(), or setlocale() meanwhile.
 * Errors:    json_parse(): ERR_CORRUPT for what is not JSON, is deeper than 64 levels,
 *            holds a key twice in one object, or more than a million values.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <cjson/cJSON.h>

#include "base/err.h"
#include "base/str.h"

NODISCARD struct err *json_parse(struct str text, cJSON **out);
void json_freep(cJSON **tree);
/* Members of `object`; NULL, or the default, when absent or of another type. */
const char *json_string(const cJSON *object, const char *name);
cJSON *json_object(const cJSON *object, const char *name);
cJSON *json_array(const cJSON *object, const char *name);
/* A whole number from 0 to 2^53; false when absent or anything else. */
bool json_u64(const cJSON *object, const char *name, uint64_t *out);
bool json_bool(const cJSON *object, const char *name, bool fallback);
/* Add a number; `value` must be at most 2^53. */
void json_add_u64(cJSON *object, const char *name, uint64_t value);
/* The tree as text without blanks, for free(). */
char *json_print(const cJSON *tree);

#endif
