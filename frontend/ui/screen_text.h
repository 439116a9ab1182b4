/* SPDX-License-Identifier: MIT
 * screen_text.h - text for a terminal's lines.
 *
 * Purpose:   fits visible text (base/visible.h) into columns.
 * Threads:   any. No function fails.
 */
#ifndef FRONTEND_UI_SCREEN_TEXT_H
#define FRONTEND_UI_SCREEN_TEXT_H

#include "base/buf.h"
#include "base/str.h"

/* Append as much of visible `text` as fits `columns`; returns how many were used. */
size_t screen_text_cut(struct buf *out, struct str text, size_t columns);
/* The same, but a longer text is shown as its beginning, "..", and its end: the middle
 * says least. */
size_t screen_text_fit(struct buf *out, struct str text, size_t columns);

#endif
