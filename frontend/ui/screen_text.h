/* SPDX-License-Identifier: MIT
 * screen_text.h - foreign text for a terminal.
 *
 * Purpose:   what scripts print may hold escape sequences and any bytes; here they are
 *            dropped, and what is left is cut to columns.
 * Threads:   any. No function fails.
 */
#ifndef FRONTEND_UI_SCREEN_TEXT_H
#define FRONTEND_UI_SCREEN_TEXT_H

#include "base/buf.h"
#include "base/str.h"

/* Append `text` without control characters and escape sequences; a tab becomes a space.
 */
void screen_text_clean(struct buf *out, struct str text);
/* Append as much of clean `text` as fits `columns`; returns how many were used. */
size_t screen_text_cut(struct buf *out, struct str text, size_t columns);
/* "1.2 MB" into `out`, of at least 16 bytes. */
void screen_text_bytes(uint64_t bytes, char *out, size_t size);

#endif
