/* SPDX-License-Identifier: MIT
 * diag.h - diagnostics: what is wrong with a definition, where, and what to do.
 *
 * Purpose:   parser and checks collect them; rendering shows the line with carets.
 * Ownership: diag_list_free() ends a list; texts are copied in.
 * Threads:   a list belongs to one thread.
 */
#ifndef FRONTEND_DEF_DIAG_H
#define FRONTEND_DEF_DIAG_H

#include "base/buf.h"
#include "base/source.h"

enum diag_severity { DIAG_ERROR, DIAG_WARNING, DIAG_NOTE };

struct diag_list;
struct diag;

struct diag_list *diag_list_new(const struct source *source);
void diag_list_free(struct diag_list *l);
void diag_list_freep(struct diag_list **l);
/* Add one; `code` is a stable literal such as "forward-reference".  Returns it, for
 * notes. */
PRINTF(5, 6)
struct diag *diag_add(struct diag_list *l, enum diag_severity severity, const char *code,
		      struct span span, const char *format, ...);
/* A place that explains: "stage 'build' is defined here". */
PRINTF(4, 5)
void diag_note(struct diag_list *l, struct diag *d, struct span span, const char *format,
	       ...);
/* What to do; shown after the carets' line. */
PRINTF(3, 4) void diag_hint(struct diag_list *l, struct diag *d, const char *format, ...);
size_t diag_count(const struct diag_list *l, enum diag_severity severity);
/* All, by place in the file; at most 20 errors, then a count of the rest. */
void diag_render(const struct diag_list *l, struct buf *out);

#endif
