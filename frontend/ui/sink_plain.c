/* SPDX-License-Identifier: MIT
 * sink_plain.c - one line for each thing that happens, for logs and pipes:
 *
 *	#3 compiler.post %post
 *	#3 | + go build
 *	#3 done in 2.3s
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/visible.h"
#include "engine/step.h"
#include "frontend/ui/sink.h"

struct plain {
	FILE *out;
	uint64_t *started_ns; /* by node */
};

static const struct step *step_of(const struct event *e)
{
	return graph_payload(e->graph, e->node);
}

/* A line about the event's step. */
PRINTF(3, 4)
static void put(struct plain *p, const struct event *e, const char *format, ...)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT, line = BUF_INIT;
	va_list args;

	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	visible_line(&line, str_make(buf_text(&text), text.len));
	fprintf(p->out, "#%u %s\n", e->node.index + 1, buf_text(&line));
}

static void put_elapsed(struct plain *p, const struct event *e, const char *word)
{
	char elapsed[16];

	clock_format_duration(e->time_ns - p->started_ns[e->node.index], elapsed,
			      sizeof(elapsed));
	put(p, e, "%s %s", word, elapsed);
}

static void on_state(struct plain *p, const struct event *e)
{
	const struct step *step = step_of(e);

	switch (e->state) {
	case NODE_PROBING:
		p->started_ns[e->node.index] = e->time_ns;
		break;
	case NODE_RUNNING:
		put(p, e, "%s: %s", step->name, step->label);
		break;
	case NODE_CACHED:
		put(p, e, "%s: %s", step->name, step->label);
		put(p, e, "cached");
		break;
	case NODE_BUILT:
		put_elapsed(p, e, "done in");
		break;
	case NODE_FAILED:
		put_elapsed(p, e, "failed after");
		break;
	case NODE_CANCELLED:
		put_elapsed(p, e, "interrupted after");
		break;
	case NODE_WAITING:
	case NODE_READY:
	case NODE_MISSED:
	case NODE_SKIPPED:
	case NODE_STATES:
		break;
	}
}

static void put_output(struct plain *p, const struct event *e)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	visible_output(&text, str_of(e->text));
	fprintf(p->out, "#%u | %s\n", e->node.index + 1, buf_text(&text));
}

static void plain_emit(void *self, const struct event *e)
{
	struct plain *p = self;

	switch (e->type) {
	case EVENT_BEGIN:
		p->started_ns = xcalloc(graph_size(e->graph), sizeof(*p->started_ns));
		break;
	case EVENT_STATE:
		on_state(p, e);
		break;
	case EVENT_LINE:
		put_output(p, e);
		break;
	case EVENT_NOTE:
		put(p, e, "note: %s", e->text);
		break;
	case EVENT_CANCEL:
		fprintf(p->out,
			e->level > 1
				? "ending everything at once\n"
				: "interrupted: ending what runs (again: at once)\n");
		break;
	case EVENT_PROGRESS:
	case EVENT_TICK:
	case EVENT_END:
	case EVENT_TYPES:
		break;
	}
	fflush(p->out);
}

struct event_sink sink_plain_new(FILE *out)
{
	struct plain *p = xcalloc(1, sizeof(*p));

	p->out = out;
	return (struct event_sink){p, plain_emit};
}

void sink_plain_free(void *self)
{
	struct plain *p = self;

	free(p->started_ns);
	free(p);
}
