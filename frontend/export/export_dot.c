/* SPDX-License-Identifier: MIT
 * export_dot.c - the plan for Graphviz: a cluster a stage, copies between stages dashed.
 */
#include "frontend/export/export.h"

/* A quoted string of the dot language: `"` and `\` are escaped, line ends become \n. */
static void put_string(struct buf *out, const char *text)
{
	buf_putc(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_printf(out, "\\%c", *text);
		else if (*text == '\n')
			buf_puts(out, "\\n");
		else if ((unsigned char)*text < 0x20)
			buf_putc(out, ' ');
		else
			buf_putc(out, *text);
	}
	buf_putc(out, '"');
}

static void put_node(const struct step *step, const struct export_status *status,
		     struct buf *out)
{
	static const char *const colours[] = {"white", "#d5f5d5", "#fdebd0"};

	buf_printf(out, "    n%u [label=", step->id.index);
	put_string(out, step->label);
	buf_puts(out, ", tooltip=");
	put_string(out, step->where);
	buf_printf(out, ", fillcolor=\"%s\"];\n", colours[status->kind]);
}

static void put_stage(const struct plan *plan, uint32_t index,
		      const struct export_state *state, struct buf *out)
{
	buf_printf(out, "  subgraph cluster_%u {\n    label=", index);
	put_string(out, plan->stages[index].label);
	buf_puts(out, ";\n    style=rounded;\n");
	for (size_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i]->stage == index)
			put_node(plan->steps[i], &state->statuses[i], out);
	buf_puts(out, "  }\n");
}

static void put_edges(const struct plan *plan, struct node_id id, struct buf *out)
{
	const struct step *step = plan->steps[id.index];
	struct node_ids before = graph_before(plan->graph, id);

	for (size_t i = 0; i < before.len; i++) {
		bool copies = step->kind == STEP_COPY &&
			      before.items[i].index == step->producer.index;

		buf_printf(out, "  n%u -> n%u%s;\n", before.items[i].index, id.index,
			   copies ? " [style=dashed, color=\"#2060a0\", constraint=true]"
				  : "");
	}
}

void export_dot(const struct plan *plan, const struct export_state *state,
		struct buf *out)
{
	buf_puts(
		out,
		"digraph plan {\n"
		"  rankdir=TB;\n"
		"  node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\"];\n"
		"  graph [fontname=\"sans-serif\"];\n");
	for (uint32_t i = 0; i < plan->n_stages; i++)
		if (plan->stages[i].is_built)
			put_stage(plan, i, state, out);
	for (uint32_t i = 0; i < plan->n_steps; i++)
		put_edges(plan, (struct node_id){i}, out);
	buf_puts(out, "}\n");
}
