/* SPDX-License-Identifier: MIT
 * step.h - what one node of the plan does: data only.
 *
 * Purpose:   the plan compiler makes steps, the executor runs them, exports and sinks
 *            show them. Each step makes a layer on top of its parent's root filesystem,
 *            but for `test` (makes nothing) and `pack` (makes the image).
 * Ownership: steps and their texts lie in the plan's arena.
 * Threads:   const.
 */
#ifndef ENGINE_STEP_H
#define ENGINE_STEP_H

#include "engine/tree/tree_copy.h"
#include "scheduler/graph.h"

enum step_kind {
	STEP_BASE,  /* the agent's root filesystem and Apptainer's base files */
	STEP_COPY,  /* `%files from STAGE` */
	STEP_FILES, /* `%files` from the host */
	STEP_POST,  /* `%post` */
	STEP_META,  /* help, labels, environment, scripts, definition */
	STEP_TEST,  /* `%test` */
	STEP_PACK,  /* the image */
	STEP_KINDS,
};

struct step_base {
	const char *agent; /* "docker" */
	const char *from;  /* value of `From:`; NULL without one */
};

struct step_files {
	const char *from_stage; /* label of the producing stage; NULL for the host */
	const struct copy_item *items;
	size_t n_items;
};

struct step_post {
	const char *script;
	const char *args; /* of the section line */
};

struct step_text {
	bool present;
	const char *args; /* of the section line */
	const char *body;
};

struct step_label {
	const char *name, *value;
};

struct step_meta {
	const char *definition; /* whole text; NULL but in the target stage */
	struct step_text help, environment, runscript, startscript, test;
	const struct step_label *labels; /* of %labels */
	size_t n_labels;
	const struct step_label *headers; /* of the stage, key and value */
	size_t n_headers;
};

struct step {
	enum step_kind kind;
	struct node_id id;
	const char *name;	/* "compiler.post": unique in the plan */
	const char *label;	/* "%post", "From golang:1.20", "%files from compiler" */
	const char *where;	/* "lab3.def:5:1" */
	uint32_t stage;		/* index in the definition */
	const char *stage_name; /* "compiler", or "stage 2" for one without name */
	struct node_id
		parent; /* whose root filesystem this one starts from; NODE_NONE: empty */
	struct node_id producer; /* STEP_COPY: whose root filesystem is copied from */
	union {
		struct step_base base;
		struct step_files files; /* STEP_COPY and STEP_FILES */
		struct step_post post;
		struct step_meta meta;
	};
};

const char *step_kind_name(enum step_kind kind); /* "base" */

#endif
