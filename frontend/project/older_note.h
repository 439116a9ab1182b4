/* SPDX-License-Identifier: MIT
 * older_note.h - what to say about a cache that an older release has made.
 *
 * Purpose:   nothing in it is used, so everything is rebuilt: the user should know why.
 * Ownership: the store is borrowed.
 * Threads:   any.
 * Errors:    none: what cannot be removed, the next collection removes.
 */
#ifndef FRONTEND_PROJECT_OLDER_NOTE_H
#define FRONTEND_PROJECT_OLDER_NOTE_H

#include "cache/store.h"

/* Say it, if something of an older release is left. */
void older_note_tell(const struct store *s);
/* Remove what is left, and say what had to stay: at the end of a run, unless it was
 * interrupted.  Release our own lease first, or what is in it stays. */
void older_note_remove(const struct store *s);

#endif
