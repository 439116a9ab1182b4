/* SPDX-License-Identifier: MIT
 * plan.h - the compiled plan: the graph of steps, frozen.
 *
 * Purpose:   one place that holds graph, steps and stages together.
 * Ownership: plan_free() ends it; steps refer to the definition's texts and source,
 *            which must outlive it.
 * Threads:   const after plan_compile(); share freely.
 * Errors:    plan_compile(): ERR_USAGE for an unknown target.
 */
#ifndef FRONTEND_PLAN_PLAN_H
#define FRONTEND_PLAN_PLAN_H

#include "engine/work/step.h"
#include "frontend/def/ast.h"
#include "scheduler/graph.h"

struct plan_stage {
	const char *name;   /* value of `Stage:`; NULL without one */
	const char *label;  /* "compiler", or "stage2" (from 1) */
	const char *from;   /* "golang:1.20.2-alpine", or the agent's name */
	struct place where; /* its `Bootstrap:` */
	/* The one that becomes the image, or that the target step is in. */
	bool is_target;
	bool is_built;		 /* some of its steps are in the plan */
	uint32_t first, n_steps; /* its steps in plan.steps, without `pack` */
};

struct plan {
	struct arena *arena;
	struct graph *graph;
	const struct step *const
		*steps; /* by node index, in the order of the definition */
	size_t n_steps;
	const struct plan_stage *stages; /* by definition index */
	size_t n_stages;
	struct node_id pack; /* the last step; NODE_NONE when the target is a step */
};

struct plan_options {
	/* "STAGE": make its image; "STAGE.STEP": go as far as this step ("build.post",
	 * "build.copy2"), and make no image; NULL: the last stage's image.  A stage
	 * without name is "stage2" (from 1). */
	const char *target;
	bool all_stages;	/* also those that the target does not need */
	bool pure_host_scripts; /* all are taken to depend on nothing else */
	const char *library;	/* URL, for stages that name none; NULL: none */
};

NODISCARD struct err *plan_compile(const struct definition *def,
				   const struct plan_options *options, struct plan **out);
void plan_free(struct plan *p);
void plan_freep(struct plan **p);

#endif
