/* SPDX-License-Identifier: MIT
 * place_note.h - say once that the cache is where others remove files.
 *
 * Purpose:   in /tmp and similar places, files not used for some days are removed. Builds
 *            stay right (cache/outline.h), but run again and again: the user should know.
 * Ownership: the store is borrowed.
 * Threads:   any.
 * Errors:    none: what cannot be found out is not said.
 */
#ifndef FRONTEND_PROJECT_PLACE_NOTE_H
#define FRONTEND_PROJECT_PLACE_NOTE_H

#include "cache/store.h"

/* Say it to the user, once for each store. */
void place_note_tell(const struct store *s);

#endif
