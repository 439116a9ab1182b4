/* SPDX-License-Identifier: MIT
 * place_note.h - say once that the cache lies where others remove files.
 *
 * Purpose:   on /tmp and its like, what was not used for some days goes. Builds stay
 *            right (cache/outline.h), but are made again and again: the user should know.
 * Ownership: the store is borrowed.
 * Threads:   any.
 * Errors:    none: where nothing can be told, nothing is.
 */
#ifndef FRONTEND_PROJECT_PLACE_NOTE_H
#define FRONTEND_PROJECT_PLACE_NOTE_H

#include "cache/store.h"

/* Say it to the user, once for each store. */
void place_note_tell(const struct store *s);

#endif
