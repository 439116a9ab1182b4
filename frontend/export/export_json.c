/* SPDX-License-Identifier: MIT
 * export_json.c - the plan for programs; the schema is docs/plan.schema.json.
 */
#include "frontend/export/export.h"

#include <string.h>

static void put_string(struct buf *out, const char *text)
{
	buf_json_string(out, text, strlen(text));
}

static void put_member(struct buf *out, const char *name, const char *text)
{
	buf_printf(out, ", \"%s\": ", name);
	if (text)
		put_string(out, text);
	else
		buf_puts(out, "null");
}

static void put_items(struct buf *out, const struct step_files *files)
{
	buf_puts(out, ", \"files\": [");
	for (size_t i = 0; i < files->n_items; i++) {
		buf_puts(out, i > 0 ? ", {\"source\": " : "{\"source\": ");
		put_string(out, files->items[i].source);
		put_member(out, "target", files->items[i].target);
		buf_putc(out, '}');
	}
	buf_putc(out, ']');
}

static void put_inputs(struct buf *out, const struct step *step)
{
	if (step->kind == STEP_BASE) {
		put_member(out, "agent", step->base.agent);
		put_member(out, "from", step->base.from);
	} else if (step->kind == STEP_COPY || step->kind == STEP_FILES) {
		if (step->kind == STEP_COPY)
			put_member(out, "from_stage", step->files.from_stage);
		put_items(out, &step->files);
	} else if (step->kind == STEP_POST) {
		put_member(out, "script", step->post.script);
		put_member(out, "arguments", step->post.args);
	}
}

static void put_step(const struct plan *plan, size_t index,
		     const struct export_status *status, struct buf *out)
{
	const struct step *step = plan->steps[index];
	struct node_ids before = graph_before(plan->graph, step->id);

	buf_puts(out, "    {\"name\": ");
	put_string(out, step->name);
	put_member(out, "kind", step_kind_name(step->kind));
	put_member(out, "label", step->label);
	put_member(out, "where", step->where);
	buf_printf(out, ", \"stage\": %u, \"before\": [", step->stage);
	for (size_t i = 0; i < before.len; i++) {
		buf_puts(out, i > 0 ? ", " : "");
		put_string(out, plan->steps[before.items[i].index]->name);
	}
	buf_putc(out, ']');
	put_inputs(out, step);
	put_member(out, "status", export_status_name(status->kind));
	if (status->reason)
		put_member(out, "reason", status->reason);
	buf_printf(out, "}%s\n", index + 1 < plan->n_steps ? "," : "");
}

static void put_stage(const struct plan *plan, size_t index, struct buf *out)
{
	const struct plan_stage *stage = &plan->stages[index];

	buf_puts(out, "    {\"label\": ");
	put_string(out, stage->label);
	put_member(out, "name", stage->name);
	put_member(out, "from", stage->from);
	put_member(out, "where", stage->where);
	buf_printf(out, ", \"target\": %s, \"built\": %s}%s\n",
		   stage->is_target ? "true" : "false",
		   stage->is_built ? "true" : "false",
		   index + 1 < plan->n_stages ? "," : "");
}

void export_json(const struct plan *plan, const struct export_state *state,
		 struct buf *out)
{
	buf_puts(out, "{\n  \"version\": 1,\n  \"stages\": [\n");
	for (size_t i = 0; i < plan->n_stages; i++)
		put_stage(plan, i, out);
	buf_puts(out, "  ],\n  \"steps\": [\n");
	for (size_t i = 0; i < plan->n_steps; i++)
		put_step(plan, i, &state->statuses[i], out);
	buf_puts(out, "  ]\n}\n");
}
