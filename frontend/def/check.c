/* SPDX-License-Identifier: MIT
 * check.c - what is wrong with a definition as a whole: agents, names, references.
 *
 * Stages are looked up in a map, so that the time stays linear in the definition's
 * length.
 */
#include <string.h>

#include "base/map.h"
#include "frontend/def/parse.h"
#include "frontend/def/words.h"

struct check {
	const struct definition *def;
	struct diag_list *diags;
	struct arena *arena; /* for texts of messages */
	struct map names;    /* stage name to its first stage */
};

static const struct def_stage *stage_named(struct check *c, const char *name)
{
	return map_get(&c->names, name);
}

/* ---- agents ---- */

static bool agent_takes_from(const char *agent)
{
	static const char *const needing[] = {
		"docker", "docker-archive", "docker-daemon", "oci",	   "oci-archive",
		"oras",	  "library",	    "shub",	     "localimage", NULL,
	};

	return words_contain(needing, str_of(agent));
}

static void check_agent(struct check *c, const struct def_stage *stage)
{
	const struct def_header *agent = def_header_find(stage, "bootstrap");
	const char *from = def_header(stage, "from"), *near;
	struct diag *d;

	/* A line "Bootstrap:" begins a stage, so the header is there. */
	if (!words_contain(words_agents, str_of(agent->value))) {
		d = diag_add(c->diags, DIAG_ERROR, "unknown-agent", agent->value_span,
			     agent->value[0] ? "unknown bootstrap agent '%s'"
					     : "the bootstrap agent is missing%s",
			     agent->value);
		near = words_nearest(words_agents, str_of(agent->value));
		if (near)
			diag_hint(c->diags, d, "did you mean '%s'?", near);
		return;
	}
	if (agent_takes_from(agent->value) && (!from || !from[0])) {
		d = diag_add(c->diags, DIAG_ERROR, "missing-header", agent->key_span,
			     "the agent '%s' needs the header 'From'", agent->value);
		diag_hint(c->diags, d, "add 'From: IMAGE' below");
	}
}

/* ---- names ---- */

static void check_name(struct check *c, const struct def_stage *stage)
{
	const struct def_stage *first;
	struct diag *d;

	if (!stage->name || !stage->name[0])
		return;
	if (strpbrk(stage->name, " \t#")) {
		d = diag_add(
			c->diags, DIAG_ERROR, "stage-name", stage->name_span,
			"a stage's name with a blank cannot be named in '%%files from'");
		diag_hint(c->diags, d, "use '-' instead");
	}
	first = stage_named(c, stage->name);
	if (!first) {
		map_set(&c->names, stage->name, (void *)stage);
		return;
	}
	d = diag_add(c->diags, DIAG_ERROR, "duplicate-stage", stage->name_span,
		     "a stage named '%s' exists already", stage->name);
	diag_note(c->diags, d, first->name_span, "the first stage '%s' is here",
		  stage->name);
	diag_hint(c->diags, d, "give it another name");
}

/* ---- references ---- */

static void unknown_stage(struct check *c, const struct def_files *files)
{
	struct diag *d = diag_add(c->diags, DIAG_ERROR, "unknown-stage", files->from_span,
				  "unknown stage '%s'", files->from);
	const struct def_stage *near = NULL;
	size_t best = 3;

	for (size_t i = 0; i < c->def->n_stages; i++) {
		const char *name = c->def->stages[i].name;
		size_t distance;

		if (!name || !name[0])
			continue;
		distance = str_distance(str_of(files->from), str_of(name), 2);
		if (distance < best) {
			best = distance;
			near = &c->def->stages[i];
		}
	}
	if (near) {
		diag_hint(c->diags, d, "did you mean '%s'?", near->name);
		diag_note(c->diags, d, near->name_span, "stage '%s' is defined here",
			  near->name);
	} else {
		diag_hint(c->diags, d, "name a stage with a line 'Stage: %s'",
			  files->from);
	}
}

static void forward_reference(struct check *c, size_t index,
			      const struct def_files *files,
			      const struct def_stage *producer)
{
	struct diag *d =
		diag_add(c->diags, DIAG_ERROR, "forward-reference", files->from_span,
			 "stage '%s' is defined below: files can only be copied from a "
			 "stage above",
			 files->from);

	diag_hint(c->diags, d, "move stage '%s' above %s", files->from,
		  def_stage_label(c->def, index, c->arena));
	diag_note(c->diags, d, producer->name_span, "stage '%s' is defined here",
		  files->from);
}

static void check_reference(struct check *c, size_t index, const struct def_files *files)
{
	const struct def_stage *stage = &c->def->stages[index], *producer;

	if (!files->from)
		return;
	producer = stage_named(c, files->from);
	if (!producer)
		unknown_stage(c, files);
	else if (producer == stage)
		diag_add(c->diags, DIAG_ERROR, "self-reference", files->from_span,
			 "stage '%s' copies from itself", files->from);
	else if (producer > stage)
		forward_reference(c, index, files, producer);
}

void def_check(const struct definition *def, struct diag_list *diags)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct check c = {.def = def, .diags = diags, .arena = arena};

	for (size_t i = 0; i < def->n_stages; i++) {
		check_agent(&c, &def->stages[i]);
		check_name(&c, &def->stages[i]);
	}
	for (size_t i = 0; i < def->n_stages; i++)
		for (size_t k = 0; k < def->stages[i].n_files; k++)
			check_reference(&c, i, &def->stages[i].files[k]);
	map_release(&c.names);
}
