/* SPDX-License-Identifier: MIT
 * export_dot.c - the plan for Graphviz: a cluster a stage, copies between stages dashed.
 *
 * Boxes are light with dark text, everything else is a middle grey, and there is no
 * background: so it is readable on white and on black.
 */
#include <string.h>

#include "frontend/export/export_private.h"

static const char HEAD[] =
	"digraph plan {\n"
	"  graph [rankdir=TB, bgcolor=transparent, nodesep=0.3, ranksep=0.4, pad=0.2,\n"
	"         fontname=\"sans-serif\", fontsize=12, fontcolor=\"#767676\"];\n"
	"  node [shape=box, style=\"rounded,filled\", height=0.4, margin=\"0.15,0.07\",\n"
	"        fontname=\"sans-serif\", fontsize=11, fontcolor=\"#1a1a1a\"];\n"
	"  edge [color=\"#808080\", arrowsize=0.7];\n";

static const struct {
	const char *fill, *border;
} COLOURS[] = {
	[EXPORT_UNKNOWN] = {"#e8eaed", "#808080"},
	[EXPORT_HIT] = {"#cdeccf", "#3c8f4a"},
	[EXPORT_MISS] = {"#fde7b8", "#b8860b"},
	[EXPORT_OPEN] = {"#e6dff5", "#7a5fb0"},
};
TABLE_HAS_ALL(COLOURS, EXPORT_STATUSES);

static const char COPY[] = " [style=dashed, color=\"#4a7fc1\"]";

/* For a label: the lexer takes `\"`, then labels take `\n`, `\G` and more, and HTML's
 * entities. */
static void put_char(struct buf *out, char c)
{
	if (c == '&') {
		buf_puts(out, "&amp;");
		return;
	}
	if (c == '"' || c == '\\')
		buf_putc(out, '\\');
	buf_putc(out, c);
}

static void put_tooltip(struct buf *out, struct place place)
{
	CLEANUP(freep) char *text = place_text(place);

	if (!text[0])
		return;
	buf_puts(out, ", tooltip=\"");
	export_label(out, text, put_char);
	buf_putc(out, '"');
}

static void put_node(struct buf *out, const struct step *step,
		     const struct export_state *state)
{
	struct export_status status = export_status_of(state, step->id.index);

	buf_printf(out, "    n%u [label=\"", step->id.index);
	export_box(out, step, status, put_char, "\\n");
	buf_printf(out, "\", fillcolor=\"%s\", color=\"%s\"", COLOURS[status.kind].fill,
		   COLOURS[status.kind].border);
	put_tooltip(out, step->where);
	buf_puts(out, "];\n");
}

static struct err *put_stage(struct buf *out, const struct plan *plan, size_t index,
			     const struct export_state *state, int fd)
{
	const struct plan_stage *stage = &plan->stages[index];
	const char *mark = export_stage_mark(plan, stage);

	buf_printf(out, "  subgraph cluster_%zu {\n    label=\"%s", index,
		   export_stage_prefix(stage));
	export_label(out, stage->label, put_char);
	buf_printf(out, "%s%s\";\n", stage->is_built && mark[0] ? " " : "",
		   stage->is_built ? mark : "");
	/* Nodes of one group are put below one another. */
	buf_printf(out, "    node [group=%zu];\n", index);
	buf_printf(out, "    style=\"rounded%s\"; color=\"%s\"; penwidth=%s;\n",
		   stage->is_built ? "" : ",dotted",
		   stage->is_target ? "#707070" : "#a0a0a0",
		   stage->is_target ? "1.5" : "1");
	for (uint32_t i = 0; i < stage->n_steps; i++) {
		put_node(out, plan->steps[stage->first + i], state);
		TRY(export_flush(out, fd, EXPORT_CHUNK));
	}
	if (stage->is_target && export_has_image(plan))
		put_node(out, plan->steps[plan->pack.index], state);
	if (!stage->is_built)
		buf_printf(out,
			   "    s%zu [shape=plaintext, style=\"\", label=\"%s\", "
			   "fontcolor=\"#767676\"];\n",
			   index, mark);
	buf_puts(out, "  }\n");
	return export_flush(out, fd, EXPORT_CHUNK);
}

static void put_edges(struct buf *out, const struct plan *plan, const struct step *step)
{
	struct node_ids before = graph_before(plan->graph, step->id);

	for (size_t i = 0; i < before.len; i++) {
		buf_printf(out, "  n%u -> n%u%s;\n", before.items[i].index,
			   step->id.index,
			   export_is_copied(step, before.items[i]) ? COPY : "");
	}
}

struct err *export_dot(const struct plan *plan, const struct export_state *state, int fd)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;

	buf_puts(&out, HEAD);
	for (size_t i = 0; i < plan->n_stages; i++)
		TRY(put_stage(&out, plan, i, state, fd));
	for (size_t i = 0; i < plan->n_steps; i++) {
		put_edges(&out, plan, plan->steps[i]);
		TRY(export_flush(&out, fd, EXPORT_CHUNK));
	}
	buf_puts(&out, "}\n");
	return export_flush(&out, fd, 0);
}
