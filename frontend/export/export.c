/* SPDX-License-Identifier: MIT
 * export.c - what the writers of formats share.
 */
#include "frontend/export/export.h"

#include <string.h>

#include "base/fs.h"
#include "base/utf8.h"
#include "base/visible.h"
#include "frontend/export/export_private.h"

const char *export_status_name(enum export_status_kind kind)
{
	static const char *const names[] = {
		[EXPORT_UNKNOWN] = "unknown",
		[EXPORT_HIT] = "hit",
		[EXPORT_MISS] = "miss",
		[EXPORT_OPEN] = "maybe",
	};
	TABLE_HAS_ALL(names, EXPORT_STATUSES);

	assert(kind < EXPORT_STATUSES);
	return names[kind];
}

struct err *export_flush(struct buf *out, int fd, size_t at_least)
{
	if (out->len == 0 || out->len < at_least)
		return NULL;
	TRY(fs_write_all(fd, buf_text(out), out->len));
	buf_clear(out);
	return NULL;
}

/* ---- words ---- */

struct export_status export_status_of(const struct export_state *state, uint32_t node)
{
	return state->statuses ? state->statuses[node] : (struct export_status){0};
}

const char *export_stage_prefix(const struct plan_stage *stage)
{
	return stage->name && stage->name[0] ? "stage " : "";
}

bool export_has_image(const struct plan *plan)
{
	return plan->pack.index != NODE_NONE.index;
}

const char *export_stage_mark(const struct plan *plan, const struct plan_stage *stage)
{
	if (!stage->is_built)
		return "(nothing needs it: not built)";
	if (!stage->is_target)
		return "";
	return export_has_image(plan) ? "-> image" : "-> target";
}

bool export_is_copied(const struct step *step, struct node_id before)
{
	return step->kind == STEP_COPY && before.index == step->producer.index;
}

/* ---- characters ---- */

static bool is_first_byte(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

struct export_fit export_fit(struct str text, size_t max, size_t tail)
{
	const struct export_fit whole = {.head = text, .tail = STR("")};
	size_t chars = 0, head_end = 0, tail_start = text.len;

	if (text.len <= max)
		return whole;
	for (size_t i = 0; i < text.len; i++)
		chars += is_first_byte(text.data[i]);
	if (chars <= max)
		return whole;
	assert(max >= tail + strlen("..."));
	for (size_t n = max - tail - strlen("..."); n > 0; n--)
		for (head_end++;
		     head_end < text.len && !is_first_byte(text.data[head_end]);)
			head_end++;
	for (; tail > 0; tail--)
		for (tail_start--;
		     tail_start > head_end && !is_first_byte(text.data[tail_start]);)
			tail_start--;
	return (struct export_fit){
		.head = str_slice(text, 0, head_end),
		.tail = str_slice(text, tail_start, text.len),
		.is_cut = true,
	};
}

/* ---- drawings ---- */

/* Characters of a line in a box. */
static const size_t LABEL_MAX = 64;

static void put_characters(struct buf *out, struct str text, export_put *put)
{
	CLEANUP(buf_release) struct buf visible = BUF_INIT;
	struct str rest, c;

	visible_line(&visible, text);
	rest = str_make(buf_text(&visible), visible.len);
	while (utf8_next(&rest, &c)) {
		if (c.len > 1)
			buf_append(out, c.data, c.len);
		else
			put(out, c.data[0]);
	}
}

void export_label(struct buf *out, const char *text, export_put *put)
{
	struct export_fit fit = export_fit(str_of(text), LABEL_MAX, LABEL_MAX / 3);

	put_characters(out, fit.head, put);
	if (fit.is_cut)
		put_characters(out, STR("..."), put);
	put_characters(out, fit.tail, put);
}

static void put_copied(struct buf *out, const struct step_files *files, export_put *put,
		       const char *line_end)
{
	if (files->n_items == 0)
		return;
	buf_puts(out, line_end);
	export_label(out, files->items[0].source, put);
	if (files->n_items > 1)
		buf_printf(out, ", %zu more", files->n_items - 1);
}

void export_box(struct buf *out, const struct step *step, struct export_status status,
		export_put *put, const char *line_end)
{
	export_label(out, step->label, put);
	if (step->kind == STEP_COPY || step->kind == STEP_FILES)
		put_copied(out, &step->files, put, line_end);
	if (status.kind == EXPORT_UNKNOWN)
		return;
	buf_puts(out, line_end);
	buf_puts(out, export_status_name(status.kind));
	if (!status.reason)
		return;
	buf_puts(out, ": ");
	export_label(out, status.reason, put);
}
