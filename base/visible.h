/* SPDX-License-Identifier: MIT
 * visible.h - what people see of texts that come from outside.
 *
 * Purpose:   names in archives, answers of registries, output of scripts, definitions and
 *            paths may hold any bytes: sequences that steer a terminal, controls of both
 *            halves, marks that change the direction of writing, and bytes that are not
 *            text at all. This makes them harmless in everything that is shown;
 *            buf_json_string() does the same for programs.  The result has the columns
 *            that utf8_columns() counts.
 * Threads:   any. No function fails.
 *
 * Code that writes to a terminal passes the whole text through visible_lines() last, so
 * that nothing is forgotten (frontend/ui/say.h, the sinks, err_render(), log_write());
 * what must stay within a line, such as a value in a message, passes visible_line()
 * first.
 */
#ifndef BASE_VISIBLE_H
#define BASE_VISIBLE_H

#include "base/buf.h"
#include "base/str.h"

/* Append `text` as part of one line: a space for each blank, a `?` for each character
 * that cannot be shown. */
void visible_line(struct buf *out, struct str text);
/* The same, but tabs and line ends stay: for our own text with foreign values in it. */
void visible_lines(struct buf *out, struct str text);
/* Append a line that a program printed, as a terminal would show it: whole escape
 * sequences (ECMA-48) are dropped, and so is what a carriage return goes back over.  Tabs
 * stay; other controls are dropped, and what is not text becomes a `?`. */
void visible_output(struct buf *out, struct str line);
/* Append `json`, a text in JSON whose strings may come from others: in them what cannot
 * be shown becomes an escape, and what is not UTF-8 becomes U+FFFD. */
void visible_json(struct buf *out, struct str json);

#endif
