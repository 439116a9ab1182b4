/* SPDX-License-Identifier: MIT
 * export_tree.c - the plan for a terminal: stages, and below each its steps in order.
 *
 * A first pass over the steps measures the columns, and a second one writes them: no line
 * is longer than 80, only ASCII is written, and nothing is allocated for a step.
 */
#include <string.h>

#include "base/clock.h"
#include "frontend/export/export_private.h"

enum {
	LINE = 80,
	INDENT = 2,
	GAP = 1,
	/* Columns of the usual plan, so that different plans look alike. */
	KIND_USUAL = 7,
	LABEL_USUAL = 36,
	PLACE_USUAL = 9,
	/* A label is not cut below this for a long reason. */
	LABEL_LEAST = 26,
};

struct widths {
	size_t kind, label, place, status, time;
};

/* "4294967295:4294967295" */
struct place_digits {
	char text[24];
	size_t len;
};

/* ---- texts ---- */

static bool is_first_byte(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

static size_t columns(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += is_first_byte(*text);
	return n;
}

/* A `?` for each character that is not printable ASCII: it could be anything, and a
 * terminal may show it at any width. */
static void put_ascii(struct buf *out, struct str text)
{
	size_t from = 0, at = 0;

	if (text.len == 0)
		return;
	for (; at < text.len; at++) {
		unsigned char c = (unsigned char)text.data[at];

		if (c >= 0x20 && c < 0x7f)
			continue;
		buf_append(out, text.data + from, at - from);
		from = at + 1;
		if (is_first_byte(text.data[at]))
			buf_putc(out, char_is_blank(text.data[at]) ? ' ' : '?');
	}
	buf_append(out, text.data + from, at - from);
}

static void put_fit(struct buf *out, const char *text, size_t width, size_t tail)
{
	struct export_fit fit = export_fit(str_of(text), width, tail);

	put_ascii(out, fit.head);
	if (fit.is_cut)
		buf_append(out, "...", 3);
	put_ascii(out, fit.tail);
}

/* Put blanks up to `width` columns after `start`; what was written since then is
 * ASCII. */
static void pad(struct buf *out, size_t start, size_t width)
{
	static const char blanks[LINE] =
		"                                                                       "
		"         ";
	size_t used = out->len - start;

	if (used < width)
		buf_append(out, blanks, width - used);
}

/* ---- places ---- */

static char *put_digits_before(char *end, unsigned value)
{
	do
		*--end = (char)('0' + value % 10);
	while ((value /= 10) > 0);
	return end;
}

/* Not with printf: that takes as long as the rest of the line. */
static struct place_digits digits_of(struct place place)
{
	struct place_digits digits = {.len = 0};
	char buffer[sizeof(digits.text)], *end = buffer + sizeof(buffer), *start;
	struct position at;

	if (!place.source)
		return digits;
	at = source_position(place.source, place.at);
	start = put_digits_before(end, at.column);
	*--start = ':';
	start = put_digits_before(start, at.line);
	digits.len = (size_t)(end - start);
	memcpy(digits.text, start, digits.len);
	return digits;
}

/* ---- columns ---- */

static void widen(size_t *width, size_t to)
{
	if (*width < to)
		*width = to;
}

static size_t status_columns(struct export_status status)
{
	size_t n;

	if (status.kind == EXPORT_UNKNOWN)
		return 0;
	n = strlen(export_status_name(status.kind));
	return status.reason ? n + strlen(": ") + columns(status.reason) : n;
}

/* "3.1s", "" when it is not known. */
struct duration {
	char text[16];
};

static struct duration duration_of(struct export_status status)
{
	struct duration d = {""};

	if (status.has_expected)
		clock_format_duration(status.expected_ms * 1000000, d.text,
				      sizeof(d.text));
	return d;
}

/* First the widths that the texts want, then those that there is room for: the label
 * gives way to the status as long as that does not cut it, or down to LABEL_LEAST. */
static struct widths measure(const struct plan *plan, const struct export_state *state)
{
	struct widths w = {KIND_USUAL, 0, PLACE_USUAL, 0, 0};
	size_t least, room;

	for (uint32_t i = 0; i < plan->n_steps; i++) {
		const struct step *step = plan->steps[i];

		widen(&w.kind, strlen(step_short_name(step)));
		widen(&w.label, columns(step->label));
		widen(&w.place, digits_of(step->where).len);
		widen(&w.status, status_columns(export_status_of(state, i)));
		widen(&w.time, strlen(duration_of(export_status_of(state, i)).text));
	}
	room = LINE - INDENT - (w.kind + GAP) - (GAP + w.place);
	if (w.time > 0)
		room -= GAP + w.time;
	if (w.status > 0)
		room -= GAP;
	least = w.label < LABEL_LEAST ? w.label : LABEL_LEAST;
	widen(&w.label, LABEL_USUAL);
	if (w.label + w.status > room)
		w.label = room > w.status + least ? room - w.status : least;
	w.status = room - w.label;
	return w;
}

/* ---- lines ---- */

static void put_status(struct buf *out, const struct export_state *state,
		       struct export_status status, size_t width)
{
	const char *name = export_status_name(status.kind);

	if (status.kind == EXPORT_UNKNOWN)
		return;
	if (state->colour)
		buf_puts(out, status.kind == EXPORT_HIT ? "\033[32m" : "\033[33m");
	buf_puts(out, name);
	if (status.reason) {
		buf_puts(out, ": ");
		put_fit(out, status.reason, width - strlen(name) - strlen(": "), 0);
	}
	if (state->colour)
		buf_puts(out, "\033[0m");
}

/* At the end of the line, so that times are in one column. */
static void put_duration(struct buf *out, struct export_status status, size_t start,
			 const struct widths *w)
{
	struct duration d = duration_of(status);

	if (!d.text[0])
		return;
	pad(out, start, w->status + GAP + w->time - strlen(d.text));
	buf_puts(out, d.text);
}

static void put_step(struct buf *out, const struct step *step,
		     const struct export_state *state, const struct widths *w)
{
	struct export_status status = export_status_of(state, step->id.index);
	struct place_digits digits = digits_of(step->where);
	size_t escapes;
	size_t start = out->len + INDENT;

	buf_append(out, "  ", INDENT);
	buf_puts(out, step_short_name(step));
	pad(out, start, w->kind + GAP);
	start += w->kind + GAP;
	put_fit(out, step->label, w->label, w->label / 3);
	if (digits.len > 0) {
		pad(out, start, w->label + GAP);
		buf_append(out, digits.text, digits.len);
	}
	if (status.kind != EXPORT_UNKNOWN) {
		pad(out, start, w->label + GAP + w->place + GAP);
		start = out->len;
		put_status(out, state, status, w->status);
		/* Colours take no columns. */
		escapes = state->colour ? strlen("\033[32m\033[0m") : 0;
		put_duration(out, status, start + escapes, w);
	}
	buf_putc(out, '\n');
}

static void put_stage(struct buf *out, const struct plan *plan,
		      const struct plan_stage *stage)
{
	const char *prefix = export_stage_prefix(stage);
	const char *mark = export_stage_mark(plan, stage);
	size_t taken = strlen(prefix) + (mark[0] ? strlen(mark) + 2 : 0);

	buf_puts(out, prefix);
	put_fit(out, stage->label, LINE - taken, LINE / 4);
	buf_puts(out, mark[0] ? "  " : "");
	buf_puts(out, mark);
	buf_putc(out, '\n');
}

/* Below the tree, when something is to be done. */
static void put_total(struct buf *out, const struct plan *plan,
		      const struct export_state *state)
{
	char text[16];
	size_t todo = 0, open = 0;

	for (uint32_t i = 0; i < plan->n_steps; i++) {
		todo += export_status_of(state, i).kind != EXPORT_HIT;
		open += export_status_of(state, i).kind == EXPORT_OPEN;
	}
	if (!state->statuses || todo == 0)
		return;
	clock_format_duration(state->expected_ms * 1000000, text, sizeof(text));
	buf_printf(out, "\n%s%zu of %zu steps to build", open > 0 ? "up to " : "", todo,
		   plan->n_steps);
	if (state->expected_ms > 0)
		buf_printf(out, ", expected to take %s", text);
	if (state->expected_ms > 0 && state->n_unexpected > 0)
		buf_printf(out, ", plus the time of %zu new step%s", state->n_unexpected,
			   state->n_unexpected > 1 ? "s" : "");
	buf_putc(out, '\n');
}

struct err *export_tree(const struct plan *plan, const struct export_state *state, int fd)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct widths w = measure(plan, state);

	for (size_t s = 0; s < plan->n_stages; s++) {
		const struct plan_stage *stage = &plan->stages[s];

		if (s > 0)
			buf_putc(&out, '\n');
		put_stage(&out, plan, stage);
		for (uint32_t i = 0; i < stage->n_steps; i++) {
			put_step(&out, plan->steps[stage->first + i], state, &w);
			TRY(export_flush(&out, fd, EXPORT_CHUNK));
		}
		if (stage->is_target && export_has_image(plan))
			put_step(&out, plan->steps[plan->pack.index], state, &w);
		TRY(export_flush(&out, fd, EXPORT_CHUNK));
	}
	put_total(&out, plan, state);
	return export_flush(&out, fd, 0);
}
