/* SPDX-License-Identifier: MIT
 * say.h - what commands write: the one way to standard output and standard error.
 *
 * Purpose:   a text passes visible_lines(), and JSON visible_json(), as a whole: what a
 *            command puts into it may come from strangers.  (Drawings of plans and the
 *            live list have colours, and clean what they draw themselves.)
 *            tests/lint/banned.sh finds code that goes another way.
 * Threads:   the main thread.
 * Errors:    say_result(), say_json(): those of writing to standard output.
 */
#ifndef FRONTEND_UI_SAY_H
#define FRONTEND_UI_SAY_H

#include "base/buf.h"
#include "base/err.h"

/* Results, to standard output. */
NODISCARD struct err *say_result(const struct buf *text);
NODISCARD struct err *say_json(const struct buf *json);
/* Messages, to standard error; if writing fails, there is nobody to tell. */
void say(const struct buf *text);
PRINTF(1, 2) void say_line(const char *format, ...);

#endif
