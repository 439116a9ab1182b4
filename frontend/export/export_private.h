/* SPDX-License-Identifier: MIT
 * export_private.h - what the writers share.
 */
#ifndef FRONTEND_EXPORT_EXPORT_PRIVATE_H
#define FRONTEND_EXPORT_EXPORT_PRIVATE_H

#include "base/buf.h"
#include "frontend/export/export.h"

/* A writer's buffer goes to its descriptor whenever it holds this much. */
enum { EXPORT_CHUNK = 64 * 1024 };

/* Write what is in `out` and empty it, if that is `at_least` bytes; 0: all there is. */
NODISCARD struct err *export_flush(struct buf *out, int fd, size_t at_least);

/* EXPORT_UNKNOWN when no status is known. */
struct export_status export_status_of(const struct export_state *state, uint32_t node);
/* What is written before a stage's label: "stage ", or nothing before "stage2". */
const char *export_stage_prefix(const struct plan_stage *stage);
/* "-> image", "-> target", "(nothing needs it: not built)", or "". */
const char *export_stage_mark(const struct plan *plan, const struct plan_stage *stage);
bool export_has_image(const struct plan *plan);

/* `before` is where the files of `step` come from. */
bool export_is_copied(const struct step *step, struct node_id before);
/* How a text fits into `max` characters: as it is, or its beginning, "...", and its last
 * `tail` characters. */
struct export_fit {
	struct str head, tail;
	bool is_cut;
};

struct export_fit export_fit(struct str text, size_t max, size_t tail);
/* ---- for drawings ---- */

/* Appends a character of ASCII as the format wants it. */
typedef void export_put(struct buf *out, char c);

/* Append a text as base/visible.h shows it, cut when it is long. */
void export_label(struct buf *out, const char *text, export_put *put);
/* Append the lines of a step's box, `line_end` between them: its label, what it copies,
 * its status when that is known. */
void export_box(struct buf *out, const struct step *step, struct export_status status,
		export_put *put, const char *line_end);

#endif
