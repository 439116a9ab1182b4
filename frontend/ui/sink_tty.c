/* SPDX-License-Identifier: MIT
 * sink_tty.c - a live list of what runs, below lines of what has ended.
 *
 *	 done      compiler.base    From golang:1.20.2-alpine                   6.2s
 *	[2/7]                                                                   8.1s
 *	 compiler.post    %post  + go build                                     1.9s
 *	 final.base       From al..3.17  downloading 40% of 3.0 MB, 9.8 MB/s    0.4s
 *
 * The list is redrawn at each tick, and never has more lines than the terminal, which is
 * asked for its size each time, so that a resize needs no signal.  The time is at the
 * right edge and never cut, nor is the progress of a transfer: names give way.  Lines
 * that stay have any length, and appear with the next tick.  The last lines of a step's
 * output are kept, and shown if it fails.
 *
 * Of a run that only looks, nothing stays but notes, and only steps that take longer than
 * a second are listed: mostly there is nothing to see.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "base/visible.h"
#include "frontend/ui/activity.h"
#include "frontend/ui/screen.h"
#include "frontend/ui/screen_text.h"
#include "frontend/ui/sink.h"
#include "frontend/ui/sink_words.h"

enum {
	KEPT_LINES = 20,
	LINE_BYTES = 1024,
	/* Columns of a name: the range in which it is not cut, and how far it gives way
	 * to the state of a transfer. */
	NAME_LEAST = 18,
	NAME_MOST = 28,
	NAME_AT_NEED = 8,
	/* Below this a label says nothing. */
	LABEL_LEAST = 10,
	WORD = 9, /* columns of how a step ended */
	GAP = 2,
};

struct tty_row {
	enum node_state state;
	uint64_t started_ns;
	struct activity activity;
	char *kept[KEPT_LINES]; /* a ring */
	size_t n_lines;		/* seen so far */
};

struct tty {
	struct screen screen;
	bool is_look;
	const struct graph *graph;
	struct tty_row *rows; /* by node */
	VEC(uint32_t) live;   /* nodes that are being probed, or run: in order */
	size_t n, n_final;
	size_t name_columns;
	uint64_t began_ns;
};

/* ---- lines of columns ---- */

/* A line in the making: visible text of `used` columns. */
struct tty_line {
	struct buf text;
	size_t used;
};

static void line_release(struct tty_line *l)
{
	buf_release(&l->text);
}

static void put_blanks(struct tty_line *l, size_t n)
{
	for (; n > 0; n--, l->used++)
		buf_putc(&l->text, ' ');
}

/* In at most `columns`, or in exactly so many. */
static void put_fit(struct tty_line *l, const char *text, size_t columns, bool fill)
{
	CLEANUP(buf_release) struct buf visible = BUF_INIT;
	size_t used;

	visible_line(&visible, str_of(text));
	used = screen_text_fit(&l->text, str_make(buf_text(&visible), visible.len),
			       columns);
	l->used += used;
	put_blanks(l, fill ? columns - used : 0);
}

/* At the right edge, where there is room for it. */
static void put_right(const struct tty *t, struct tty_line *l, const char *text)
{
	size_t width = t->screen.width, columns = strlen(text);

	if (l->used + columns <= width)
		put_blanks(l, width - l->used - columns);
	put_fit(l, text, columns, false);
}

/* Columns up to the right edge, less `taken`; 0 when there are none. */
static size_t room_for(const struct tty *t, const struct tty_line *l, size_t taken)
{
	size_t used = l->used + taken;

	return used < t->screen.width ? t->screen.width - used : 0;
}

static struct str text_of(const struct tty_line *l)
{
	return str_make(buf_text(&l->text), l->text.len);
}

/* ---- the live list ---- */

/* What a row says about its state, in at most so many columns; nothing while the step has
 * only its output to show. */
static void describe(const struct tty *t, struct node_id node, uint64_t now,
		     size_t columns, struct buf *out)
{
	const struct tty_row *row = &t->rows[node.index];

	if (row->state == NODE_PROBING)
		buf_puts(out, sink_probing(t->graph, node));
	else if (row->n_lines == 0)
		activity_describe(&row->activity, now, columns, out);
}

/* Without tabs: in a list they could go to any column. */
static void put_last_line(const struct tty_row *row, struct buf *out)
{
	if (row->n_lines > 0)
		visible_line(out, str_of(row->kept[(row->n_lines - 1) % KEPT_LINES]));
}

/* In `room` columns: the label gets what the state leaves, or half when there is
 * output. */
static void put_middle(struct tty_line *l, const char *label, struct str state,
		       struct str output, size_t room)
{
	size_t end = l->used + room, left = room;

	if (state.len > 0)
		left = room > state.len + GAP ? room - state.len - GAP : 0;
	else if (output.len > 0)
		left = room / 2;
	if (label[0] && (left >= LABEL_LEAST || left >= strlen(label))) {
		put_fit(l, label, left, false);
		put_blanks(l, end - l->used < GAP ? end - l->used : GAP);
	}
	l->used +=
		screen_text_cut(&l->text, state.len > 0 ? state : output, end - l->used);
}

static bool add_row(struct tty *t, struct node_id node, uint64_t now)
{
	CLEANUP(line_release) struct tty_line l = {BUF_INIT, 0};
	CLEANUP(buf_release) struct buf state = BUF_INIT;
	CLEANUP(buf_release) struct buf output = BUF_INIT;
	const struct tty_row *row = &t->rows[node.index];
	size_t name = t->name_columns, edge, room, needed;
	char elapsed[16];

	clock_format_duration(now - row->started_ns, elapsed, sizeof(elapsed));
	edge = GAP + strlen(elapsed);
	put_blanks(&l, 1);
	room = room_for(t, &l, edge);
	describe(t, node, now, room > NAME_AT_NEED + GAP ? room - NAME_AT_NEED - GAP : 0,
		 &state);
	put_last_line(row, &output);
	needed = state.len > 0 ? state.len + GAP : 0;
	if (name + needed > room)
		name = room > needed ? room - needed : room;
	put_fit(&l, graph_name(t->graph, node), name, true);
	room = room_for(t, &l, edge);
	if (room > GAP) {
		put_blanks(&l, GAP);
		put_middle(&l, sink_label(t->graph, node),
			   str_make(buf_text(&state), state.len),
			   str_make(buf_text(&output), output.len), room - GAP);
	}
	put_right(t, &l, elapsed);
	return screen_add(&t->screen, text_of(&l));
}

static void add_head(struct tty *t, uint64_t now)
{
	CLEANUP(line_release) struct tty_line l = {BUF_INIT, 0};
	CLEANUP(freep) char *counts = xasprintf("[%zu/%zu]", t->n_final, t->n);
	char elapsed[16];

	clock_format_duration(now - t->began_ns, elapsed, sizeof(elapsed));
	put_fit(&l, counts, room_for(t, &l, 1 + strlen(elapsed)), false);
	put_right(t, &l, elapsed);
	(void)screen_add(&t->screen, text_of(&l));
}

static void add_others(struct tty *t, size_t n)
{
	CLEANUP(freep) char *text = xasprintf(" and %zu more", n);

	(void)screen_add(&t->screen, str_of(text));
}

/* A step that is only probed is listed once that takes long. */
static bool is_listed(const struct tty_row *row, uint64_t now)
{
	return row->state == NODE_RUNNING ||
	       (row->state == NODE_PROBING && sink_is_slow(row->started_ns, now));
}

static void draw(struct tty *t, uint64_t now)
{
	size_t listed = 0, shown = 0, room;

	screen_measure(&t->screen);
	for (size_t i = 0; i < t->live.len; i++)
		listed += is_listed(&t->rows[t->live.items[i]], now);
	if (!t->is_look)
		add_head(t, now);
	room = t->screen.height - t->screen.columns.len;
	/* The last line counts the steps that have no line. */
	if (listed > room && room > 0)
		room--;
	for (size_t i = 0; i < t->live.len && shown < room; i++)
		if (is_listed(&t->rows[t->live.items[i]], now))
			shown += add_row(t, (struct node_id){t->live.items[i]}, now);
	if (shown < listed)
		add_others(t, listed - shown);
	screen_draw(&t->screen);
}

/* ---- what stays ---- */

static void keep_ended(struct tty *t, const struct event *e, const char *word,
		       const char *colour)
{
	CLEANUP(line_release) struct tty_line l = {BUF_INIT, 0};
	const struct tty_row *row = &t->rows[e->node.index];
	size_t room;
	char elapsed[16] = "";

	if (e->state != NODE_CACHED)
		clock_format_duration(e->time_ns - row->started_ns, elapsed,
				      sizeof(elapsed));
	put_blanks(&l, 1);
	put_fit(&l, word, WORD, true);
	put_blanks(&l, 1);
	room = room_for(t, &l, GAP + strlen(elapsed));
	put_fit(&l, graph_name(t->graph, e->node),
		t->name_columns < room ? t->name_columns : room, true);
	put_blanks(&l, room_for(t, &l, strlen(elapsed)) > GAP ? GAP : 0);
	put_fit(&l, sink_label(t->graph, e->node), room_for(t, &l, GAP + strlen(elapsed)),
		false);
	put_right(t, &l, elapsed);
	screen_keep(&t->screen, text_of(&l), colour);
}

/* Of visible text. */
static void keep_indented(struct tty *t, const char *text)
{
	CLEANUP(freep) char *line = xasprintf("           %s", text);

	screen_keep(&t->screen, str_of(line), NULL);
}

static void keep_text(struct tty *t, const char *text)
{
	CLEANUP(buf_release) struct buf line = BUF_INIT;

	visible_line(&line, str_of(text));
	keep_indented(t, buf_text(&line));
}

static void keep_note(struct tty *t, const struct event *e)
{
	CLEANUP(freep)
	char *named = xasprintf("%s: %s", graph_name(t->graph, e->node), e->text);

	keep_text(t, named);
}

static void keep_output(struct tty *t, const struct tty_row *row)
{
	size_t first = row->n_lines > KEPT_LINES ? row->n_lines - KEPT_LINES : 0;

	for (size_t i = first; i < row->n_lines; i++)
		keep_indented(t, row->kept[i % KEPT_LINES]);
}

static void remember_line(struct tty_row *row, const char *text)
{
	char **slot = &row->kept[row->n_lines++ % KEPT_LINES];
	struct buf line = BUF_MAX(LINE_BYTES);

	visible_output(&line, str_of(text));
	free(*slot);
	*slot = buf_steal(&line);
}

/* ---- events ---- */

static void leave_list(struct tty *t, uint32_t node)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->live.len; i++)
		if (t->live.items[i] != node)
			t->live.items[kept++] = t->live.items[i];
	t->live.len = kept;
}

static void on_state(struct tty *t, const struct event *e)
{
	static const struct {
		const char *word, *colour;
	} ends[NODE_STATES] = {
		[NODE_CACHED] = {"cached", "\033[2m"},
		[NODE_BUILT] = {"done", "\033[32m"},
		[NODE_FAILED] = {"failed", "\033[31m"},
		[NODE_CANCELLED] = {"stopped", "\033[33m"},
	};
	struct tty_row *row = &t->rows[e->node.index];

	row->state = e->state;
	if (e->state == NODE_PROBING) {
		row->started_ns = e->time_ns;
		vec_push(&t->live, e->node.index);
	}
	if (!node_state_is_final(e->state))
		return;
	leave_list(t, e->node.index);
	t->n_final++;
	if (t->is_look || !ends[e->state].word)
		return;
	if (e->state == NODE_FAILED)
		keep_output(t, row);
	keep_ended(t, e, ends[e->state].word, ends[e->state].colour);
}

static void on_begin(struct tty *t, const struct event *e)
{
	t->graph = e->graph;
	t->n = graph_size(e->graph);
	t->rows = xcalloc(t->n, sizeof(*t->rows));
	t->began_ns = e->time_ns;
	t->name_columns = NAME_LEAST;
	for (uint32_t i = 0; i < t->n; i++) {
		size_t n = utf8_width(str_of(graph_name(t->graph, (struct node_id){i})));

		if (n > t->name_columns)
			t->name_columns = n < NAME_MOST ? n : NAME_MOST;
	}
}

static void tty_emit(void *self, const struct event *e)
{
	struct tty *t = self;

	switch (e->type) {
	case EVENT_BEGIN:
		on_begin(t, e);
		break;
	case EVENT_STATE:
		on_state(t, e);
		break;
	case EVENT_LINE:
		remember_line(&t->rows[e->node.index], e->text);
		break;
	case EVENT_NOTE:
		keep_note(t, e);
		break;
	case EVENT_PROGRESS:
		activity_update(&t->rows[e->node.index].activity, e->text, e->done,
				e->total, e->time_ns);
		break;
	case EVENT_TICK:
		draw(t, e->time_ns);
		break;
	case EVENT_CANCEL:
		keep_text(t, sink_cancelled(e->level));
		draw(t, e->time_ns);
		break;
	case EVENT_END:
		screen_measure(&t->screen);
		screen_draw(&t->screen);
		break;
	case EVENT_TYPES:
		break;
	}
}

struct event_sink sink_tty_new(FILE *out, bool colour, enum sink_pass pass)
{
	struct tty *t = xcalloc(1, sizeof(*t));

	screen_init(&t->screen, out, colour);
	t->is_look = pass == SINK_LOOK;
	return (struct event_sink){t, tty_emit};
}

void sink_tty_free(void *self)
{
	struct tty *t = self;

	for (size_t i = 0; i < t->n; i++)
		for (size_t k = 0; k < KEPT_LINES; k++)
			free(t->rows[i].kept[k]);
	free(t->rows);
	vec_free(&t->live);
	screen_release(&t->screen);
	free(t);
}
