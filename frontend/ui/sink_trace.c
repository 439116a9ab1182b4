/* SPDX-License-Identifier: MIT
 * sink_trace.c - every event as a line of JSON, for tests and tools.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "engine/work/step.h"
#include "frontend/ui/sink.h"

static const char *type_name(enum event_type type)
{
	static const char *const names[] = {
		[EVENT_BEGIN] = "begin",       [EVENT_STATE] = "state",
		[EVENT_LINE] = "line",	       [EVENT_NOTE] = "note",
		[EVENT_PROGRESS] = "progress", [EVENT_TICK] = "tick",
		[EVENT_CANCEL] = "cancel",     [EVENT_END] = "end",
	};
	TABLE_HAS_ALL(names, EVENT_TYPES);

	return names[type];
}

static void put_member(struct buf *out, const char *name, const char *text)
{
	buf_printf(out, ", \"%s\": ", name);
	buf_json_string(out, text, strlen(text));
}

static void trace_emit(void *self, const struct event *e)
{
	CLEANUP(buf_release) struct buf line = BUF_INIT;
	FILE *out = self;

	if (e->type == EVENT_TICK)
		return;
	buf_printf(&line, "{\"time_ns\": %llu, \"type\": \"%s\"",
		   (unsigned long long)e->time_ns, type_name(e->type));
	if (e->node.index != NODE_NONE.index)
		put_member(&line, "step",
			   ((const struct step *)graph_payload(e->graph, e->node))->name);
	if (e->type == EVENT_STATE)
		put_member(&line, "state", node_state_name(e->state));
	if (e->text)
		put_member(&line, "text", e->text);
	if (e->type == EVENT_PROGRESS)
		buf_printf(&line, ", \"done\": %llu, \"total\": %llu",
			   (unsigned long long)e->done, (unsigned long long)e->total);
	if (e->error)
		put_member(&line, "error", err_text(e->error));
	buf_puts(&line, "}\n");
	fputs(buf_text(&line), out);
	fflush(out);
}

struct event_sink sink_trace_new(FILE *out)
{
	return (struct event_sink){out, trace_emit};
}

void sink_trace_free(void *self)
{
	fclose(self);
}
