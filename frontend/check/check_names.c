/* SPDX-License-Identifier: MIT
 * check_names.c - names of stages, references to them, and stages that nothing uses.
 *
 * A map finds stages, so that the time stays linear in the definition's length.
 */
#include <string.h>

#include "frontend/check/check_private.h"

static const struct def_stage *stage_named(struct check *c, const char *name)
{
	return map_get(&c->names, name);
}

static bool has_name(const struct def_stage *stage)
{
	return stage->name && stage->name[0];
}

static void check_name(struct check *c, const struct def_stage *stage)
{
	const struct def_stage *first;
	struct diag *d;

	if (!has_name(stage))
		return;
	if (strpbrk(stage->name, " \t#")) {
		d = diag_add(
			c->diags, DIAG_STAGE_NAME, stage->name_span,
			"a stage name with a blank cannot be used in '%%files from'");
		diag_hint(d, "use '-' instead");
	}
	first = stage_named(c, stage->name);
	if (!first) {
		map_set(&c->names, stage->name, (void *)stage);
		return;
	}
	c->has_bad_reference = true;
	d = diag_add(
		c->diags, DIAG_DUPLICATE_STAGE, stage->name_span,
		"a stage named '%s' already exists: files are copied from the first one",
		stage->name);
	diag_note(d, first->name_span, "the first stage '%s' is here", stage->name);
	diag_hint(d, "give it another name");
}

/* ---- references ---- */

static const struct def_stage *nearest_stage(struct check *c, const char *name)
{
	const struct def_stage *near = NULL;
	size_t best = 3;

	for (size_t i = 0; i < c->def->n_stages; i++) {
		const struct def_stage *stage = &c->def->stages[i];
		size_t distance = has_name(stage) ? str_distance(str_of(name),
								 str_of(stage->name), 2)
						  : best;

		if (distance < best && distance < strlen(name)) {
			best = distance;
			near = stage;
		}
	}
	return near;
}

static void unknown_stage(struct check *c, const struct def_files *files)
{
	struct diag *d = diag_add(c->diags, DIAG_UNKNOWN_STAGE, files->from_span,
				  "unknown stage '%s'", files->from);
	const struct def_stage *near =
		diag_is_crowded(c->diags) ? NULL : nearest_stage(c, files->from);

	if (!near) {
		diag_hint(d, "name a stage with a line 'Stage: %s'", files->from);
		return;
	}
	diag_hint(d, "did you mean '%s'?", near->name);
	diag_note(d, near->name_span, "stage '%s' is defined here", near->name);
}

static void forward_reference(struct check *c, const struct def_stage *stage,
			      const struct def_files *files,
			      const struct def_stage *producer)
{
	struct diag *d =
		diag_add(c->diags, DIAG_FORWARD_REFERENCE, files->from_span,
			 "stage '%s' is defined below: files can only be copied from a "
			 "stage above",
			 files->from);

	diag_hint(d, "move stage '%s' above %s", files->from,
		  def_stage_label(c->def, (size_t)(stage - c->def->stages), c->arena));
	diag_note(d, producer->name_span, "stage '%s' is defined here", files->from);
}

static void check_reference(struct check *c, const struct def_stage *stage,
			    const struct def_files *files)
{
	const struct def_stage *producer = stage_named(c, files->from);

	c->has_bad_reference |= !producer || producer >= stage;
	if (!producer && !c->is_partial)
		unknown_stage(c, files);
	else if (producer == stage)
		diag_hint(diag_add(c->diags, DIAG_SELF_REFERENCE, files->from_span,
				   "stage '%s' copies from itself", files->from),
			  "use cp in %%post to copy within a stage");
	else if (producer > stage)
		forward_reference(c, stage, files, producer);
}

/* ---- which stages are used ---- */

/* References lead to earlier stages only, so one pass from the end finds all that are
 * reached. */
static void check_unused(struct check *c)
{
	size_t n = c->def->n_stages;
	bool *used = c->used;

	used[n - 1] = true;
	for (size_t i = n; i-- > 0;) {
		const struct def_stage *stage = &c->def->stages[i];

		for (const struct def_files *f = stage->files; used[i] && f;
		     f = f->next) {
			const struct def_stage *from =
				f->from ? stage_named(c, f->from) : NULL;

			if (from)
				used[from - c->def->stages] = true;
		}
	}
	for (size_t i = 0; i < n; i++) {
		const struct def_stage *stage = &c->def->stages[i];

		if (!used[i])
			diag_hint(
				diag_add(c->diags, DIAG_UNUSED_STAGE,
					 has_name(stage) ? stage->name_span : stage->span,
					 "nothing uses %s: the image does not need it",
					 def_stage_label(c->def, i, c->arena)),
				"copy from it, or build it with --all-stages");
	}
}

void check_names(struct check *c)
{
	for (size_t i = 0; i < c->def->n_stages; i++) {
		check_name(c, &c->def->stages[i]);
		c->is_partial |= c->def->stages[i].is_partial;
		c->has_bad_reference |= c->def->stages[i].has_bad_files;
	}
	for (size_t i = 0; i < c->def->n_stages; i++) {
		const struct def_stage *stage = &c->def->stages[i];

		if (stage->is_partial)
			continue;
		for (const struct def_files *f = stage->files; f; f = f->next)
			if (f->from)
				check_reference(c, stage, f);
	}
	/* A reference that is wrong may be the one that was meant. */
	if (!c->has_bad_reference && !c->is_partial)
		check_unused(c);
	else
		memset(c->used, true, c->def->n_stages * sizeof(*c->used));
}
