/* SPDX-License-Identifier: MIT
 * fake_plan.h - plans made by hand, of any size and with any names.
 */
#ifndef TESTS_FAKE_FAKE_PLAN_H
#define TESTS_FAKE_FAKE_PLAN_H

#include <string.h>

#include "base/arena.h"
#include "base/vec.h"
#include "frontend/plan/plan.h"

struct fake_plan {
	struct plan plan;
	struct source *source;
	struct graph_builder *builder;
	VEC(struct step *) steps;
	VEC(struct plan_stage) stages;
};

static inline void fake_plan_init(struct fake_plan *f, const char *text)
{
	memset(f, 0, sizeof(*f));
	f->source = source_new("x.def", str_of(text));
	f->plan.arena = arena_new();
	f->plan.pack = NODE_NONE;
	f->builder = graph_builder_new();
}

static inline void fake_plan_release(struct fake_plan *f)
{
	graph_builder_free(f->builder);
	graph_free(f->plan.graph);
	arena_free(f->plan.arena);
	source_free(f->source);
	vec_free(&f->steps);
	vec_free(&f->stages);
}

/* A stage without steps; `name` NULL: without a name. */
static inline void fake_plan_stage(struct fake_plan *f, const char *name)
{
	struct plan_stage stage = {.name = name, .from = "alpine:3.17"};

	stage.label =
		name ? name : arena_printf(f->plan.arena, "stage%zu", f->stages.len + 1);
	stage.where = (struct place){f->source, 0};
	stage.first = (uint32_t)f->steps.len;
	vec_push(&f->stages, stage);
}

/* A step of the last stage, on top of the one before.  `at` is its place. */
static inline struct step *fake_plan_step(struct fake_plan *f, enum step_kind kind,
					  const char *label, uint32_t at)
{
	struct step *step = arena_alloc(f->plan.arena, sizeof(*step));
	struct plan_stage *stage = &f->stages.items[f->stages.len - 1];
	unsigned same = 1;

	for (size_t i = stage->first; i < f->steps.len; i++)
		same += f->steps.items[i]->kind == kind;
	step->kind = kind;
	step->stage = (uint32_t)f->stages.len - 1;
	step->stage_name =
		stage->name ? stage->name
			    : arena_printf(f->plan.arena, "stage%zu", f->stages.len);
	step->name = arena_printf(f->plan.arena, same > 1 ? "%s.%s%u" : "%s.%s",
				  step->stage_name, step_kind_name(kind), same);
	step->label = label;
	step->where = (struct place){f->source, at};
	step->parent = stage->is_built ? f->steps.items[f->steps.len - 1]->id : NODE_NONE;
	step->producer = NODE_NONE;
	step->host_script = NODE_NONE;
	step->id = graph_builder_add(f->builder, step->name, step, 1);
	if (stage->is_built)
		graph_builder_edge(f->builder, step->parent, step->id);
	vec_push(&f->steps, step);
	stage->is_built = true;
	stage->n_steps += kind != STEP_PACK;
	return step;
}

static inline struct step *fake_plan_copy(struct fake_plan *f, const char *label,
					  uint32_t at, const struct step *producer)
{
	struct step *step = fake_plan_step(f, STEP_COPY, label, at);
	struct copy_item *item = arena_alloc(f->plan.arena, sizeof(*item));

	item->source = "/example/hello/hello";
	item->target = "/bin/hello";
	item->where = step->where;
	step->files.from_stage = producer->stage_name;
	step->files.items = item;
	step->files.n_items = 1;
	step->producer = producer->id;
	graph_builder_edge(f->builder, producer->id, step->id);
	return step;
}

/* Freeze it; the last stage is the target, with an image when its last step is `pack`. */
static inline const struct plan *fake_plan_done(struct fake_plan *f)
{
	struct err *e = graph_builder_freeze(f->builder, &f->plan.graph);

	assert(!e);
	(void)e;
	f->stages.items[f->stages.len - 1].is_target = true;
	if (f->steps.items[f->steps.len - 1]->kind == STEP_PACK)
		f->plan.pack = f->steps.items[f->steps.len - 1]->id;
	f->plan.steps = (const struct step *const *)f->steps.items;
	f->plan.n_steps = f->steps.len;
	f->plan.stages = f->stages.items;
	f->plan.n_stages = f->stages.len;
	return &f->plan;
}

#endif
