/* SPDX-License-Identifier: MIT
 * export.h - the plan as something to look at, or to process.
 *
 * Purpose:   one writer a format, in a table.
 * Ownership: texts go into the caller's buffer.
 * Threads:   any. No function fails.
 */
#ifndef FRONTEND_EXPORT_EXPORT_H
#define FRONTEND_EXPORT_EXPORT_H

#include "base/buf.h"
#include "frontend/plan/plan.h"

enum export_status_kind { EXPORT_UNKNOWN, EXPORT_HIT, EXPORT_MISS };

struct export_status {
	enum export_status_kind kind;
	const char *reason; /* of a miss; NULL when not known */
};

struct export_state {
	const struct export_status *statuses; /* by node index */
};

struct export_format {
	const char *name;
	void (*write)(const struct plan *plan, const struct export_state *state,
		      struct buf *out);
};

/* NULL when there is none of that name. */
const struct export_format *export_find(const char *name);
/* "hit", "miss" or "unknown". */
const char *export_status_name(enum export_status_kind kind);

void export_tree(const struct plan *plan, const struct export_state *state,
		 struct buf *out);
void export_dot(const struct plan *plan, const struct export_state *state,
		struct buf *out);
/* The schema is docs/plan.schema.json. */
void export_json(const struct plan *plan, const struct export_state *state,
		 struct buf *out);

#endif
