/* SPDX-License-Identifier: MIT
 * screen_text.h - text for a terminal's lines.
 *
 * Purpose:   visible text (base/visible.h) is fitted into columns.
 * Threads:   any. No function fails.
 */
#ifndef FRONTEND_UI_SCREEN_TEXT_H
#define FRONTEND_UI_SCREEN_TEXT_H

#include "base/buf.h"
#include "base/str.h"

/* Append as much of visible `text` as fits `columns`; returns how many were used. */
size_t screen_text_cut(struct buf *out, struct str text, size_t columns);
/* The same, but of a longer text the beginning, "..", and the end: what is between says
 * least. */
size_t screen_text_fit(struct buf *out, struct str text, size_t columns);

#endif
