/* SPDX-License-Identifier: MIT
 * go_json.h - JSON text as Go's encoder writes it, which is how Apptainer stores it.
 *
 * Threads:   any. No function fails.
 */
#ifndef ENGINE_META_GO_JSON_H
#define ENGINE_META_GO_JSON_H

#include "base/buf.h"
#include "base/str.h"

/* A string with its quotes: `<`, `>`, `&` and control characters as \u00xx, invalid UTF-8
 * as U+FFFD. */
void go_json_string(struct buf *out, struct str text);

#endif
