/* SPDX-License-Identifier: MIT
 * sink_plain.c - one line for each thing that happens, for logs and pipes:
 *
 *	#1 compiler.base: From golang:1.20.2-alpine
 *	#1 downloading 40% of 83.0 MB, 9.8 MB/s, 5s left
 *	#1 done in 12s
 *	#3 compiler.post: %post
 *	#3 | + go build
 *	#3 still running, 1m00s
 *	#3 done in 1m12s
 *
 * A step is named when there is first something to say about it.  A silent one is
 * mentioned now and then, since servers end jobs whose logs do not grow.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/vec.h"
#include "base/visible.h"
#include "frontend/ui/activity.h"
#include "frontend/ui/sink.h"
#include "frontend/ui/sink_words.h"

/* After so long without a word about a step, say how far it is, or that it still runs. */
static const uint64_t PROGRESS_EVERY_NS = 10 * UINT64_C(1000000000);
static const uint64_t ALIVE_EVERY_NS = 60 * UINT64_C(1000000000);

struct plain_row {
	enum node_state state;
	bool is_named;
	uint64_t started_ns;
	uint64_t said_ns; /* when something was last said of it */
	struct activity activity;
	uint64_t said_done; /* how far it was then */
};

struct plain {
	FILE *out;
	bool is_look;
	struct plain_row *rows; /* by node */
	VEC(uint32_t) live;	/* nodes that are being probed, or run */
};

/* ---- lines ---- */

static void put_line(struct plain *p, const struct event *e, const char *mark,
		     const struct buf *visible)
{
	struct plain_row *row = &p->rows[e->node.index];

	fprintf(p->out, "#%u %s%s\n", e->node.index + 1, mark, buf_text(visible));
	row->said_ns = e->time_ns;
	row->said_done = row->activity.done;
}

PRINTF(3, 4)
static void put(struct plain *p, const struct event *e, const char *format, ...)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(buf_release) struct buf visible = BUF_INIT;
	va_list args;

	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	visible_line(&visible, str_make(buf_text(&text), text.len));
	put_line(p, e, "", &visible);
}

static void put_name(struct plain *p, const struct event *e)
{
	struct plain_row *row = &p->rows[e->node.index];
	const char *label = sink_label(e->graph, e->node);

	if (!row->is_named)
		put(p, e, "%s%s%s", graph_name(e->graph, e->node), label[0] ? ": " : "",
		    label);
	row->is_named = true;
}

static void put_output(struct plain *p, const struct event *e)
{
	CLEANUP(buf_release) struct buf visible = BUF_INIT;

	visible_output(&visible, str_of(e->text));
	put_line(p, e, "| ", &visible);
}

static void put_elapsed(struct plain *p, const struct event *e, const char *words)
{
	char elapsed[16];

	clock_format_duration(e->time_ns - p->rows[e->node.index].started_ns, elapsed,
			      sizeof(elapsed));
	put(p, e, "%s %s", words, elapsed);
}

/* ---- who is silent ---- */

static void put_activity(struct plain *p, const struct event *e)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	activity_describe(&p->rows[e->node.index].activity, e->time_ns, SIZE_MAX, &text);
	put(p, e, "%s", buf_text(&text));
}

static void look_at(struct plain *p, const struct event *e)
{
	const struct plain_row *row = &p->rows[e->node.index];
	uint64_t silent_ns = e->time_ns - row->said_ns;
	bool is_probing = row->state == NODE_PROBING;
	bool moves = row->activity.name && row->activity.done != row->said_done;

	if (is_probing && !row->is_named) {
		if (!sink_is_slow(row->started_ns, e->time_ns))
			return;
		put_name(p, e);
		put(p, e, "%s", sink_probing(e->graph, e->node));
	} else if (moves && silent_ns >= PROGRESS_EVERY_NS) {
		put_activity(p, e);
	} else if (silent_ns >= ALIVE_EVERY_NS) {
		put_elapsed(p, e, is_probing ? "still waiting," : "still running,");
	}
}

static void on_tick(struct plain *p, const struct event *tick)
{
	struct event e = *tick;

	for (size_t i = 0; i < p->live.len; i++) {
		e.node = (struct node_id){p->live.items[i]};
		look_at(p, &e);
	}
}

/* ---- events ---- */

static void leave_list(struct plain *p, uint32_t node)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->live.len; i++)
		if (p->live.items[i] != node)
			p->live.items[kept++] = p->live.items[i];
	p->live.len = kept;
}

static void put_end(struct plain *p, const struct event *e)
{
	static const char *const words[NODE_STATES] = {
		[NODE_BUILT] = "done in",
		[NODE_FAILED] = "failed after",
		[NODE_CANCELLED] = "interrupted after",
	};

	if (e->state == NODE_CACHED || words[e->state])
		put_name(p, e);
	if (e->state == NODE_CACHED)
		put(p, e, "cached");
	else if (words[e->state])
		put_elapsed(p, e, words[e->state]);
}

static void on_state(struct plain *p, const struct event *e)
{
	struct plain_row *row = &p->rows[e->node.index];

	row->state = e->state;
	if (e->state == NODE_PROBING) {
		row->started_ns = row->said_ns = e->time_ns;
		vec_push(&p->live, e->node.index);
	} else if (e->state == NODE_RUNNING) {
		put_name(p, e);
	} else if (node_state_is_final(e->state)) {
		leave_list(p, e->node.index);
		if (!p->is_look)
			put_end(p, e);
	}
}

static void plain_emit(void *self, const struct event *e)
{
	struct plain *p = self;

	switch (e->type) {
	case EVENT_BEGIN:
		p->rows = xcalloc(graph_size(e->graph), sizeof(*p->rows));
		break;
	case EVENT_STATE:
		on_state(p, e);
		break;
	case EVENT_LINE:
		put_output(p, e);
		break;
	case EVENT_NOTE:
		put_name(p, e);
		put(p, e, "note: %s", e->text);
		break;
	case EVENT_PROGRESS:
		activity_update(&p->rows[e->node.index].activity, e->text, e->done,
				e->total, e->time_ns);
		break;
	case EVENT_TICK:
		on_tick(p, e);
		break;
	case EVENT_CANCEL:
		fprintf(p->out, "%s\n", sink_cancelled(e->level));
		break;
	case EVENT_END:
	case EVENT_TYPES:
		break;
	}
	fflush(p->out);
}

struct event_sink sink_plain_new(FILE *out, enum sink_pass pass)
{
	struct plain *p = xcalloc(1, sizeof(*p));

	p->out = out;
	p->is_look = pass == SINK_LOOK;
	return (struct event_sink){p, plain_emit};
}

void sink_plain_free(void *self)
{
	struct plain *p = self;

	free(p->rows);
	vec_free(&p->live);
	free(p);
}
