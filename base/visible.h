/* SPDX-License-Identifier: MIT
 * visible.h - what people get to see of texts that come from outside.
 *
 * Purpose:   names in archives, answers of registries, output of scripts, definitions and
 *            paths may hold any bytes: sequences that steer a terminal, controls of both
 *            halves, marks that turn the direction of writing, and what is no text at
 *            all. Here it is made harmless, for everything that is shown; for programs
 *            buf_json_string() does it.  Columns of what comes out are those of
 *            utf8_columns().
 * Threads:   any. No function fails.
 *
 * Whoever writes to a terminal passes the whole text through visible_lines() last, so
 * that nothing is forgotten (frontend/ui/say.h, the sinks, err_render(), log_write());
 * what must stay within a line, a value in a message, say, passes visible_line() before.
 */
#ifndef BASE_VISIBLE_H
#define BASE_VISIBLE_H

#include "base/buf.h"
#include "base/str.h"

/* Append `text` as part of one line: a space for each blank, a `?` for each character
 * that cannot be shown. */
void visible_line(struct buf *out, struct str text);
/* The same, but tabs and line ends stay: a text of ours with values of others in it. */
void visible_lines(struct buf *out, struct str text);
/* Append a line that a program has printed, as a terminal would show it: escape sequences
 * are gone as a whole (ECMA-48), and what a carriage return goes back over, too.  Tabs
 * stay; of other controls nothing is left, of what is no text a `?`. */
void visible_output(struct buf *out, struct str line);
/* Append `json`, a text in JSON that others may have made strings of: in them what cannot
 * be shown becomes an escape, and what is no UTF-8 U+FFFD. */
void visible_json(struct buf *out, struct str json);

#endif
