/* SPDX-License-Identifier: MIT
 * shell_word.h - texts as words of a POSIX shell.
 *
 * Purpose:   names that come from a definition or an image go into scripts that we write:
 *            the shell must read each as one word, and nothing in it (POSIX: XCU 2.2).
 * Ownership: the buffer is the caller's.
 * Threads:   any. No function fails.
 */
#ifndef BASE_SHELL_WORD_H
#define BASE_SHELL_WORD_H

#include "base/buf.h"
#include "base/str.h"

/* Append `text` as one word: as it is where the shell reads it so, else in quotes. */
void shell_word_put(struct buf *out, struct str text);
/* Append it in single quotes, whatever it holds. */
void shell_word_quote(struct buf *out, struct str text);

#endif
