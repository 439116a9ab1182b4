/* SPDX-License-Identifier: MIT
 * diag.h - diagnostics: what is wrong with a definition, where, and what to do.
 *
 * Purpose:   parser and checks collect them; a format shows them. Of each severity the
 *            first DIAG_SHOWN by place are kept, and the others are counted, so that a
 *            list stays small whatever the file holds. A warning is dropped when its code
 *            is disabled, or when a comment `# dagbuild: allow CODE` is on the line
 *            before; so are the errors that can be disabled.
 * Ownership: diag_list_free() ends a list; texts are copied in; sources are borrowed and
 *            must outlive it.
 * Threads:   a list belongs to one thread.
 * Errors:    none of these functions fails.
 */
#ifndef FRONTEND_DEF_DIAG_H
#define FRONTEND_DEF_DIAG_H

#include "base/buf.h"
#include "base/source.h"
#include "frontend/def/diag_codes.h"

enum { DIAG_SHOWN = 20 };

struct diag_options {
	bool disabled[DIAG_CODES];
	bool werror; /* warnings are errors */
};

struct diag_list;
struct diag;

/* `source` is where spans point to; `options`, copied, may be NULL. */
struct diag_list *diag_list_new(const struct source *source,
				const struct diag_options *options);
void diag_list_free(struct diag_list *l);
void diag_list_freep(struct diag_list **l);
/* Add one with the severity of its code.  Returns it, for notes and a hint; valid until
 * the next one is added. */
PRINTF(4, 5)
struct diag *diag_add(struct diag_list *l, enum diag_code code, struct span span,
		      const char *format, ...);
/* The same, in a text other than the definition, with a severity other than the
 * code's. */
PRINTF(6, 7)
struct diag *diag_add_in(struct diag_list *l, const struct source *source,
			 enum diag_code code, enum diag_severity severity,
			 struct span span, const char *format, ...);
/* A place that explains: "stage 'build' is defined here". */
PRINTF(3, 4) void diag_note(struct diag *d, struct span span, const char *format, ...);
/* What to do; shown after the carets. */
PRINTF(2, 3) void diag_hint(struct diag *d, const char *format, ...);
/* Call `visit` for each error in the definition's own text, if there are few; it may
 * change the hint. */
void diag_visit_errors(struct diag_list *l,
		       void (*visit)(void *context, struct diag *d, struct span span),
		       void *context);
/* How many there were, including those that were not kept. */
size_t diag_count(const struct diag_list *l, enum diag_severity severity);

/* Is `line` a comment `# dagbuild: allow CODE[, CODE...] [TEXT]`?  Then `*codes` is what
 * follows `allow`. */
bool diag_allow_comment(struct str line, struct str *codes);
/* Take the next code off the front of `*codes`; false when there is none. */
bool diag_allow_code(struct str *codes, struct str *code);
/* Were so many added that hints that take a search are no longer worth it? */
bool diag_is_crowded(const struct diag_list *l);

/* ---- showing them ---- */

struct diag_format {
	const char *name; /* "text" */
	/* Write all, by place in the file, then how many more there were. */
	void (*write)(struct diag_list *l, struct buf *out);
};

/* "text", "json" or "sarif"; NULL when there is none of that name. */
const struct diag_format *diag_format_find(const char *name);
void diag_write_text(struct diag_list *l, struct buf *out);
/* The schema is docs/diagnostics.schema.json. */
void diag_write_json(struct diag_list *l, struct buf *out);
/* SARIF 2.1.0: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html */
void diag_write_sarif(struct diag_list *l, struct buf *out);

#endif
