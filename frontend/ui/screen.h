/* SPDX-License-Identifier: MIT
 * screen.h - a terminal with lines that stay, and below them a list that is redrawn.
 *
 * Purpose:   knows where the cursor is, and what to overwrite.  The list is overwritten
 *            in place, never cleared from its first line on: tmux takes a screen that is
 *            cleared as a whole for one that has scrolled away, and keeps it.  So only
 *            lines that stay scroll out at the top, once each.
 * Ownership: writes to a stream that it borrows.
 * Threads:   one.
 */
#ifndef FRONTEND_UI_SCREEN_H
#define FRONTEND_UI_SCREEN_H

#include "base/buf.h"
#include "base/str.h"
#include "base/vec.h"

struct screen {
	FILE *out;
	bool colour;
	bool wraps_anew; /* lines, when the window becomes narrower */
	/* Columns and lines for the list, after screen_measure(): one less than there
	 * are, so that nothing wraps, and the cursor has a line. */
	size_t width, height;
	struct buf kept;     /* lines that stay, not yet written */
	VEC(size_t) drawn;   /* columns of each line of the list that is there */
	struct buf list;     /* the next list, as it is drawn */
	VEC(size_t) columns; /* of its lines */
};

void screen_init(struct screen *s, FILE *out, bool colour);
void screen_release(struct screen *s);
/* Ask the terminal for its size; 80 by 24 when it does not know. */
void screen_measure(struct screen *s);
/* Add a line that stays, of visible text of any length.  `colour` is an SGR sequence, or
 * NULL. It appears with the next screen_draw(). */
void screen_keep(struct screen *s, struct str line, const char *colour);
/* Add a line to the next list: visible text, cut to the width; false when there is no
 * room. */
bool screen_add(struct screen *s, struct str line);
/* Write what stays, then the list. */
void screen_draw(struct screen *s);

#endif
