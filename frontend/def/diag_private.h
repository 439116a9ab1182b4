/* SPDX-License-Identifier: MIT
 * diag_private.h - a list of diagnostics as its formats see it.
 */
#ifndef FRONTEND_DEF_DIAG_PRIVATE_H
#define FRONTEND_DEF_DIAG_PRIVATE_H

#include "base/vec.h"
#include "frontend/def/diag.h"

struct diag_remark {
	struct span span;
	char *text;
};

struct diag {
	enum diag_code code;
	enum diag_severity severity;
	const struct source *source;
	struct span span;
	char *text;
	char *hint; /* NULL: none */
	VEC(struct diag_remark) notes;
	size_t order; /* of adding */
};

struct diag_list {
	const struct source *source;
	struct diag_options options;
	VEC(struct diag *) diags;
	struct diag *dropped; /* the last one, when it is not to be shown */
	size_t counts[2];     /* by severity: all that were added */
	size_t kept[2];	      /* by severity: those in `diags` */
	size_t added;
	/* What a comment allows on the last line that was looked at. */
	const struct source *allowed_source;
	unsigned allowed_line;
	bool allowed[DIAG_CODES];
};

/* Sort the kept ones by place, those of the definition first, and keep DIAG_SHOWN of each
 * severity. */
void diag_list_sort(struct diag_list *l);
const char *diag_severity_name(enum diag_severity severity); /* "error" */
/* How many of this severity were counted, but not kept. */
size_t diag_hidden(const struct diag_list *l, enum diag_severity severity);

/* What a span covers; `end` is exclusive, and not before `start`. */
struct diag_region {
	struct position start, end;
};

struct diag_region diag_region(const struct source *source, struct span span);

#endif
