/* SPDX-License-Identifier: MIT
 * export_mermaid.c - the plan as a Mermaid flowchart, for pages of GitHub and GitLab: a
 * subgraph a stage, copies between stages dotted.
 *
 * Mermaid has no escape character, but its own entities (`#quot;`, `#35;`), which it
 * replaces after all its other rules: Markdown, directives, line breaks.  So everything
 * to which a rule could apply is written as an entity.  A `;` ends each line, since
 * Mermaid removes the last one of a line with "style" in it.
 */
#include <string.h>

#include "frontend/export/export_private.h"

static const char *const CLASSES[] = {
	[EXPORT_UNKNOWN] = "unknown",
	[EXPORT_HIT] = "hit",
	[EXPORT_MISS] = "miss",
	[EXPORT_OPEN] = "maybe",
};
TABLE_HAS_ALL(CLASSES, EXPORT_STATUSES);

static const char STYLES[] =
	"  classDef unknown fill:#e8eaed,stroke:#808080,color:#1a1a1a;\n"
	"  classDef hit fill:#cdeccf,stroke:#3c8f4a,color:#1a1a1a;\n"
	"  classDef miss fill:#fde7b8,stroke:#b8860b,color:#1a1a1a;\n"
	"  classDef maybe fill:#e6dff5,stroke:#7a5fb0,color:#1a1a1a;\n"
	"  classDef absent fill:none,stroke:none;\n";

static void put_char(struct buf *out, char c)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    strchr(" %/:.,@=-", c))
		buf_putc(out, c);
	else
		buf_printf(out, "#%d;", c);
	/* A zero width space, so that a name's `\n` does not end the line. */
	if (c == '\\')
		buf_puts(out, "#8203;");
}

static void put_node(struct buf *out, const struct step *step,
		     const struct export_state *state)
{
	struct export_status status = export_status_of(state, step->id.index);

	buf_printf(out, "    n%u[\"", step->id.index);
	export_box(out, step, status, put_char, "<br/>");
	buf_printf(out, "\"]:::%s;\n", CLASSES[status.kind]);
}

static struct err *put_stage(struct buf *out, const struct plan *plan, size_t index,
			     const struct export_state *state, int fd)
{
	const struct plan_stage *stage = &plan->stages[index];
	const char *mark = export_stage_mark(plan, stage);

	buf_printf(out, "  subgraph s%zu[\"%s", index, export_stage_prefix(stage));
	export_label(out, stage->label, put_char);
	if (stage->is_built && mark[0]) {
		buf_putc(out, ' ');
		export_label(out, mark, put_char);
	}
	buf_puts(out, "\"];\n    direction TB;\n");
	for (uint32_t i = 0; i < stage->n_steps; i++) {
		put_node(out, plan->steps[stage->first + i], state);
		TRY(export_flush(out, fd, EXPORT_CHUNK));
	}
	if (stage->is_target && export_has_image(plan))
		put_node(out, plan->steps[plan->pack.index], state);
	if (!stage->is_built) {
		buf_printf(out, "    a%zu[\"", index);
		export_label(out, mark, put_char);
		buf_puts(out, "\"]:::absent;\n");
	}
	buf_puts(out, "  end;\n");
	return export_flush(out, fd, EXPORT_CHUNK);
}

static void put_edges(struct buf *out, const struct plan *plan, const struct step *step)
{
	struct node_ids before = graph_before(plan->graph, step->id);

	for (size_t i = 0; i < before.len; i++) {
		buf_printf(out, "  n%u %s n%u;\n", before.items[i].index,
			   export_is_copied(step, before.items[i]) ? "-.->" : "-->",
			   step->id.index);
	}
}

struct err *export_mermaid(const struct plan *plan, const struct export_state *state,
			   int fd)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;

	buf_puts(&out, "flowchart TB\n");
	for (size_t i = 0; i < plan->n_stages; i++)
		TRY(put_stage(&out, plan, i, state, fd));
	for (size_t i = 0; i < plan->n_steps; i++) {
		put_edges(&out, plan, plan->steps[i]);
		TRY(export_flush(&out, fd, EXPORT_CHUNK));
	}
	buf_puts(&out, STYLES);
	return export_flush(&out, fd, 0);
}
