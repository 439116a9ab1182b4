/* SPDX-License-Identifier: MIT
 * draw_plan.c - draw_plan FORMAT <LABELS: a plan with each status and any names, for
 * draw.py.
 *
 * LABELS are texts, each followed by NUL.  Each names a stage, and in it a base, what it
 * copies from the host, and why: with the statuses in turn, so that four of them meet
 * all.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "frontend/export/export.h"
#include "tests/fake/fake_plan.h"

struct drawing {
	struct fake_plan plan;
	VEC(struct export_status) statuses;
};

static void add_step(struct drawing *d, enum step_kind kind, const char *label,
		     size_t status)
{
	struct step *step = fake_plan_step(&d->plan, kind, label, 0);
	struct copy_item *item = arena_alloc(d->plan.plan.arena, sizeof(*item));
	struct export_status s = {
		.kind = (enum export_status_kind)(status % EXPORT_STATUSES),
		.reason = status / EXPORT_STATUSES % 2 == 0 ? label : NULL,
	};

	item->source = item->target = label;
	if (kind == STEP_FILES) {
		step->files.items = item;
		step->files.n_items = 1;
	}
	vec_push(&d->statuses, s);
}

static void draw(const char *labels, size_t len, const struct export_format *format)
{
	struct drawing d = {0};
	struct export_state state = {0};
	struct err *e;

	fake_plan_init(&d.plan, "");
	for (size_t at = 0, n = 0; at < len; at += strlen(labels + at) + 1, n++) {
		fake_plan_stage(&d.plan, labels + at);
		add_step(&d, STEP_BASE, labels + at, n);
		add_step(&d, STEP_FILES, labels + at, n);
	}
	state.statuses = d.statuses.items;
	e = format->write(fake_plan_done(&d.plan), &state, STDOUT_FILENO);
	if (e)
		exit(1);
	vec_free(&d.statuses);
	fake_plan_release(&d.plan);
}

int main(int argc, char **argv)
{
	CLEANUP(buf_release) struct buf labels = BUF_INIT;
	const struct export_format *format = argc == 2 ? export_find(argv[1]) : NULL;

	if (!format)
		return 2;
	err_ignore(fs_read_fd(STDIN_FILENO, MIB(1), &labels), "draw.py sees it");
	draw(buf_text(&labels), labels.len, format);
	return 0;
}
