/* SPDX-License-Identifier: MIT
 * plan.h - the compiled plan: the graph of steps, frozen.
 *
 * Purpose:   one place that holds graph, steps and stages together.
 * Ownership: plan_free() ends it and everything in it; it keeps nothing of the AST.
 * Threads:   const after plan_compile(); share freely.
 * Errors:    plan_compile(): ERR_UNSUPPORTED for what this version cannot build, with
 *            its place; ERR_USAGE for an unknown target.
 */
#ifndef FRONTEND_PLAN_PLAN_H
#define FRONTEND_PLAN_PLAN_H

#include "engine/step.h"
#include "frontend/def/ast.h"
#include "scheduler/graph.h"

struct plan_stage {
	const char *name;  /* value of `Stage:`; NULL without one */
	const char *label; /* "compiler" or "stage 2" */
	const char *from;  /* "golang:1.20.2-alpine", or the agent's name */
	const char *where; /* of its `Bootstrap:` */
	bool is_target;	   /* the one that becomes the image */
	bool is_built;	   /* reached from the target */
};

struct plan {
	struct arena *arena;
	struct graph *graph;
	const struct step *const
		*steps; /* by node index, in the order of the definition */
	size_t n_steps;
	const struct plan_stage *stages; /* by definition index */
	size_t n_stages;
	struct node_id pack;
};

NODISCARD struct err *plan_compile(const struct definition *def, struct plan **out);
void plan_free(struct plan *p);
void plan_freep(struct plan **p);

#endif
