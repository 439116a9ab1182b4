/* SPDX-License-Identifier: MIT
 * export.h - the plan as something to look at, or to process.
 *
 * Purpose:   one writer for each format, in a table.
 * Ownership: plan and state are borrowed.
 * Threads:   any.
 * Errors:    those of writing; what was written before stays, since a plan is written in
 *            pieces.
 */
#ifndef FRONTEND_EXPORT_EXPORT_H
#define FRONTEND_EXPORT_EXPORT_H

#include "base/err.h"
#include "frontend/plan/plan.h"

enum export_status_kind {
	EXPORT_UNKNOWN,
	EXPORT_HIT,
	EXPORT_MISS,
	EXPORT_OPEN, /* a hit if the steps before make the same as last time */
	EXPORT_STATUSES,
};

struct export_status {
	enum export_status_kind kind;
	const char *reason; /* of a miss, or what it depends on; NULL when not known */
	bool has_expected;
	uint64_t expected_ms; /* how long it is expected to take */
};

struct export_state {
	const struct export_status *statuses; /* by node index; NULL: none is known */
	uint64_t expected_ms;		      /* of the whole */
	size_t n_unexpected;		      /* steps for which it is not known */
	bool colour;			      /* tree: for a terminal that shows it */
};

struct export_format {
	const char *name;
	struct err *(*write)(const struct plan *plan, const struct export_state *state,
			     int fd);
};

/* NULL when there is none of that name. */
const struct export_format *export_find(const char *name);
/* "hit", "miss", "maybe" or "unknown". */
const char *export_status_name(enum export_status_kind kind);

NODISCARD struct err *export_tree(const struct plan *plan,
				  const struct export_state *state, int fd);
NODISCARD struct err *export_dot(const struct plan *plan,
				 const struct export_state *state, int fd);
/* The schema is docs/plan.schema.json. */
NODISCARD struct err *export_json(const struct plan *plan,
				  const struct export_state *state, int fd);
/* https://mermaid.js.org/syntax/flowchart.html */
NODISCARD struct err *export_mermaid(const struct plan *plan,
				     const struct export_state *state, int fd);

#endif
