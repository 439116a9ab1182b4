/* SPDX-License-Identifier: MIT
 * sink_tty.c - a live list of what runs, below lines of what has ended.
 *
 *	 done    compiler.base   From golang:1.20.2-alpine          6.2s
 *	[2/7] 8.1s
 *	 compiler.post   %post  1.9s  + go build
 *	 final.base      From alpine:3.17  0.4s  downloading 1.2 MB of 3.0 MB (40%)
 *
 * The list is drawn anew at each tick, never more lines than the terminal has; size and
 * width are asked for each time, so that a resize needs no signal.  The last lines of a
 * step's output are kept, and shown if it fails.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/visible.h"
#include "engine/step.h"
#include "frontend/ui/screen_text.h"
#include "frontend/ui/sink.h"

enum { KEPT_LINES = 20 };

struct row {
	bool is_live;
	uint64_t started_ns;
	const char *activity; /* literal, or NULL */
	uint64_t done, total;
	char *kept[KEPT_LINES]; /* a ring */
	size_t n_lines;		/* seen so far */
};

struct tty {
	FILE *out;
	bool colour;
	const struct graph *graph;
	struct row *rows; /* by node */
	size_t n, n_final;
	size_t drawn; /* lines of the live list on the screen */
	uint64_t began_ns;
	size_t width, height;
};

static void measure(struct tty *t)
{
	struct winsize size = {0};

	t->width = 80;
	t->height = 24;
	if (ioctl(fileno(t->out), TIOCGWINSZ, &size) == 0) {
		if (size.ws_col > 0)
			t->width = size.ws_col;
		if (size.ws_row > 0)
			t->height = size.ws_row;
	}
}

/* Back to where the live list began, and clear from there. */
static void erase(struct tty *t, struct buf *out)
{
	if (t->drawn > 0)
		buf_printf(out, "\033[%zuA\r\033[J", t->drawn);
	t->drawn = 0;
}

static void flush(struct tty *t, struct buf *out)
{
	fputs(buf_text(out), t->out);
	fflush(t->out);
}

static const struct step *step_of(const struct tty *t, size_t index)
{
	return graph_payload(t->graph, (struct node_id){(uint32_t)index});
}

/* One line, cut to the width; the last column stays free, so that no terminal wraps. */
static void put_line(struct tty *t, struct buf *out, const struct buf *text)
{
	CLEANUP(buf_release) struct buf clean = BUF_INIT;

	visible_line(&clean, str_make(buf_text(text), text->len));
	screen_text_cut(out, str_make(buf_text(&clean), clean.len), t->width - 1);
	buf_putc(out, '\n');
}

/* ---- the live list ---- */

static void describe_progress(const struct row *row, struct buf *out)
{
	char done[16], total[16];

	screen_text_bytes(row->done, done, sizeof(done));
	screen_text_bytes(row->total, total, sizeof(total));
	buf_printf(out, "  %s %s", row->activity, done);
	if (row->total > 0)
		buf_printf(out, " of %s (%u%%)", total,
			   (unsigned)(100.0 * (double)row->done / (double)row->total));
}

static void put_live(struct tty *t, size_t index, uint64_t now, struct buf *out)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	const struct row *row = &t->rows[index];
	const struct step *step = step_of(t, index);
	char elapsed[16];

	clock_format_duration(now - row->started_ns, elapsed, sizeof(elapsed));
	buf_printf(&text, " %-18s %s  %s", step->name, step->label, elapsed);
	if (row->n_lines > 0)
		buf_printf(&text, "  %s", row->kept[(row->n_lines - 1) % KEPT_LINES]);
	else if (row->activity)
		describe_progress(row, &text);
	put_line(t, out, &text);
	t->drawn++;
}

static void draw(struct tty *t, uint64_t now, struct buf *out)
{
	CLEANUP(buf_release) struct buf head = BUF_INIT;
	char elapsed[16];

	measure(t);
	clock_format_duration(now - t->began_ns, elapsed, sizeof(elapsed));
	buf_printf(&head, "[%zu/%zu] %s", t->n_final, t->n, elapsed);
	put_line(t, out, &head);
	t->drawn++;
	for (size_t i = 0; i < t->n && t->drawn + 1 < t->height; i++)
		if (t->rows[i].is_live)
			put_live(t, i, now, out);
}

static void redraw(struct tty *t, uint64_t now)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;

	erase(t, &out);
	draw(t, now, &out);
	flush(t, &out);
}

/* ---- what stays ---- */

static void put_ended(struct tty *t, const struct event *e, const char *word,
		      const char *colour)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	const struct row *row = &t->rows[e->node.index];
	const struct step *step = step_of(t, e->node.index);
	char elapsed[16] = "";

	erase(t, &out);
	measure(t);
	if (row->started_ns > 0 && e->state != NODE_CACHED)
		clock_format_duration(e->time_ns - row->started_ns, elapsed,
				      sizeof(elapsed));
	buf_printf(&text, " %-9s %-18s %s  %s", word, step->name, step->label, elapsed);
	if (t->colour)
		buf_puts(&out, colour);
	put_line(t, &out, &text);
	if (t->colour)
		buf_puts(&out, "\033[0m");
	draw(t, e->time_ns, &out);
	flush(t, &out);
}

static void put_above(struct tty *t, const struct event *e, const char *text)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	CLEANUP(buf_release) struct buf line = BUF_INIT;

	erase(t, &out);
	measure(t);
	buf_printf(&line, "           %s", text);
	put_line(t, &out, &line);
	draw(t, e->time_ns, &out);
	flush(t, &out);
}

static void put_kept(struct tty *t, const struct event *e)
{
	const struct row *row = &t->rows[e->node.index];
	size_t first = row->n_lines > KEPT_LINES ? row->n_lines - KEPT_LINES : 0;

	for (size_t i = first; i < row->n_lines; i++)
		put_above(t, e, row->kept[i % KEPT_LINES]);
}

static void keep_line(struct row *row, const char *text)
{
	char **slot = &row->kept[row->n_lines++ % KEPT_LINES];
	struct buf line = BUF_MAX(1024);

	visible_output(&line, str_of(text));
	free(*slot);
	*slot = buf_steal(&line);
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
	struct row *row = &t->rows[e->node.index];

	if (e->state == NODE_PROBING) {
		row->started_ns = e->time_ns;
	} else if (e->state == NODE_RUNNING) {
		row->is_live = true;
	} else if (node_state_is_final(e->state)) {
		row->is_live = false;
		t->n_final++;
		if (e->state == NODE_FAILED)
			put_kept(t, e);
		if (ends[e->state].word)
			put_ended(t, e, ends[e->state].word, ends[e->state].colour);
	}
}

static void on_begin(struct tty *t, const struct event *e)
{
	t->graph = e->graph;
	t->n = graph_size(e->graph);
	t->rows = xcalloc(t->n, sizeof(*t->rows));
	t->began_ns = e->time_ns;
}

static void on_progress(struct tty *t, const struct event *e)
{
	struct row *row = &t->rows[e->node.index];

	row->activity = e->text;
	row->done = e->done;
	row->total = e->total;
}

static void tty_emit(void *self, const struct event *e)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct tty *t = self;

	switch (e->type) {
	case EVENT_BEGIN:
		on_begin(t, e);
		break;
	case EVENT_STATE:
		on_state(t, e);
		break;
	case EVENT_LINE:
		keep_line(&t->rows[e->node.index], e->text);
		break;
	case EVENT_NOTE:
		put_above(t, e, e->text);
		break;
	case EVENT_PROGRESS:
		on_progress(t, e);
		break;
	case EVENT_TICK:
		redraw(t, e->time_ns);
		break;
	case EVENT_CANCEL:
		put_above(t, e,
			  e->level > 1
				  ? "ending everything at once"
				  : "interrupted: ending what runs (again: at once)");
		break;
	case EVENT_END:
		erase(t, &out);
		flush(t, &out);
		break;
	case EVENT_TYPES:
		break;
	}
}

struct event_sink sink_tty_new(FILE *out, bool colour)
{
	struct tty *t = xcalloc(1, sizeof(*t));

	t->out = out;
	t->colour = colour;
	return (struct event_sink){t, tty_emit};
}

void sink_tty_free(void *self)
{
	struct tty *t = self;

	for (size_t i = 0; i < t->n; i++)
		for (size_t k = 0; k < KEPT_LINES; k++)
			free(t->rows[i].kept[k]);
	free(t->rows);
	free(t);
}
