/* SPDX-License-Identifier: MIT
 * target.c - see target.h.
 */
#include "frontend/plan/target.h"

#include <string.h>

#include "base/buf.h"

static bool find_label(struct str label, const struct plan_stage *stages, size_t n,
		       size_t *out)
{
	for (size_t i = 0; i < n; i++) {
		if (str_is(label, stages[i].label)) {
			*out = i;
			return true;
		}
	}
	return false;
}

static struct err *unknown_stage(const char *text, const struct plan_stage *stages,
				 size_t n)
{
	struct err *e = err_new(ERR_USAGE, "there is no stage '%s'", text);
	const char *dot = strrchr(text, '.');
	struct str whole = str_of(text);
	struct str head = dot ? str_make(text, (size_t)(dot - text)) : whole;
	const char *near = NULL, *step = "";
	size_t best = 3;

	for (size_t i = 0; i < n; i++) {
		size_t distance = str_distance(whole, str_of(stages[i].label), 2);
		size_t of_head = str_distance(head, str_of(stages[i].label), 2);

		/* The head of "nope.post" is not a misspelling of "one": half of its
		 * letters differ. */
		if (dot && of_head > head.len / 3)
			of_head = best;
		if (distance < best || of_head < best) {
			step = dot && of_head < distance ? dot : "";
			best = distance < of_head ? distance : of_head;
			near = stages[i].label;
		}
	}
	if (near)
		return err_hint(e, "did you mean '%s%s'?", near, step);
	return err_hint(e, "the last stage is '%s'", stages[n - 1].label);
}

/* "copy3" comes after two copies; all copies come before "files" and what follows. */
static size_t count_copies(const char *step)
{
	static const char *const earlier[] = {"pre", "base", "apps"};
	uint64_t n = 1;

	for (size_t i = 0; i < ARRAY_LEN(earlier); i++)
		if (strcmp(step, earlier[i]) == 0)
			return 0;
	if (strcmp(step, "copy") == 0)
		return 1;
	if (strncmp(step, "copy", 4) == 0 && str_to_u64(str_of(step + 4), &n) && n > 1)
		return (size_t)n;
	return SIZE_MAX;
}

/* A stage's name may have dots in it: look for the whole text first. */
struct err *target_find(const char *text, const struct plan_stage *stages,
			size_t n_stages, struct target *out)
{
	const char *dot;

	*out = (struct target){.stage = n_stages - 1, .n_copies = SIZE_MAX};
	if (!text || find_label(str_of(text), stages, n_stages, &out->stage))
		return NULL;
	dot = strrchr(text, '.');
	if (!dot || !find_label(str_make(text, (size_t)(dot - text)), stages, n_stages,
				&out->stage))
		return unknown_stage(text, stages, n_stages);
	out->step = dot + 1;
	out->n_copies = count_copies(out->step);
	return NULL;
}

struct err *target_no_step(const struct target *t, const struct plan *plan)
{
	const struct plan_stage *stage = &plan->stages[t->stage];
	CLEANUP(buf_release) struct buf names = BUF_INIT;

	for (size_t i = 0; i < stage->n_steps; i++)
		buf_printf(&names, "%s%s", i > 0 ? ", " : "",
			   plan->steps[stage->first + i]->name + strlen(stage->label) +
				   1);
	return err_hint(
		err_new(ERR_USAGE, "stage '%s' has no step '%s'", stage->label, t->step),
		"it has: %s", buf_text(&names));
}
