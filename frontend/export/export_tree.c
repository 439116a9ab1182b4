/* SPDX-License-Identifier: MIT
 * export_tree.c - the plan for a terminal: stages, and below each its steps in order.
 */
#include "frontend/export/export.h"

#include <string.h>

/* Texts of a definition may hold anything; a terminal gets only what it can show. */
static void put_text(struct buf *out, const char *text, size_t width)
{
	size_t columns = 0;

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		buf_putc(out, (char)(c < 0x20 || c == 0x7f ? '?' : c));
		columns += (c & 0xc0) != 0x80;
	}
	for (; columns < width; columns++)
		buf_putc(out, ' ');
}

static const char *place_in_file(const char *where)
{
	const char *colon = strrchr(where, ':');

	while (colon && colon > where && *--colon != ':')
		;
	return colon && *colon == ':' ? colon + 1 : where;
}

static void put_step(const struct step *step, const struct export_status *status,
		     struct buf *out)
{
	CLEANUP(freep)
	char *kind =
		xasprintf("%s", strchr(step->name, '.') ? strrchr(step->name, '.') + 1
							: step->name);

	buf_puts(out, "  ");
	put_text(out, kind, 8);
	put_text(out, step->label, 36);
	buf_printf(out, " %-9s", place_in_file(step->where));
	if (status->kind != EXPORT_UNKNOWN)
		buf_printf(out, " %s", export_status_name(status->kind));
	if (status->kind == EXPORT_MISS && status->reason)
		buf_printf(out, ": %s", status->reason);
	while (out->len > 0 && out->data[out->len - 1] == ' ')
		buf_truncate(out, out->len - 1);
	buf_putc(out, '\n');
}

void export_tree(const struct plan *plan, const struct export_state *state,
		 struct buf *out)
{
	for (uint32_t s = 0; s < plan->n_stages; s++) {
		const struct plan_stage *stage = &plan->stages[s];

		buf_puts(out, s > 0 ? "\nstage " : "stage ");
		put_text(out, stage->label, 0);
		buf_puts(out, stage->is_target	? "  -> image\n"
			      : stage->is_built ? "\n"
						: "  (nothing uses it: not built)\n");
		for (size_t i = 0; i < plan->n_steps; i++)
			if (plan->steps[i]->stage == s)
				put_step(plan->steps[i], &state->statuses[i], out);
	}
}
