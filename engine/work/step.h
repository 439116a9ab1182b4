/* SPDX-License-Identifier: MIT
 * step.h - what one node of the plan does: data only.
 *
 * Purpose:   the plan compiler makes steps, the executor runs them, exports and sinks
 *            show them. A step makes a layer on top of its parent's root filesystem, or
 *            none: step_makes_layer().
 * Ownership: steps and their texts lie in the plan's arena, or in the definition's.
 * Threads:   const.
 */
#ifndef ENGINE_WORK_STEP_H
#define ENGINE_WORK_STEP_H

#include "engine/meta/apps.h"
#include "engine/meta/sections.h"
#include "engine/tree/tree_copy.h"
#include "scheduler/graph.h"

enum step_kind {
	STEP_PRE,   /* `%pre`, on the host */
	STEP_BASE,  /* the agent's root filesystem and Apptainer's base files */
	STEP_APPS,  /* folders, files and environment of the %app sections */
	STEP_COPY,  /* `%files from STAGE` */
	STEP_SETUP, /* `%setup`, on the host */
	STEP_FILES, /* `%files` from the host */
	STEP_POST,  /* `%post`, and the installations of apps */
	STEP_META,  /* help, labels, environment, scripts, definition */
	STEP_TEST,  /* `%test` */
	STEP_PACK,  /* the image */
	STEP_KINDS,
};

struct step_base {
	const char *agent; /* "docker" */
	const char *from;  /* value of `From:`, for OCI agents behind those of `Registry:`
			      and `Namespace:`; NULL without one */
	const char *library; /* URL of the server of `library` images; NULL: none named */
	struct section_labels headers; /* of the stage, key and value */
};

/* Value of a header, by its key in lower case; NULL when it is absent or empty. */
const char *step_base_header(const struct step_base *base, const char *key);

struct step_files {
	const char *from_stage; /* label of the producing stage; NULL for the host */
	const struct copy_item *items;
	size_t n_items;
};

/* STEP_PRE, STEP_SETUP, STEP_POST; STEP_TEST, which runs the image's copy of it */
struct step_script {
	const char *text;
	const char *args; /* of the section line */
	bool keep_tmp;	  /* STEP_POST: what it makes in /tmp and /var/tmp stays */
	bool is_pure;	  /* on the host: the user says that it depends on nothing else */
};

/* The apps; their installation belongs to %post. */
struct step_apps {
	struct apps apps;
	struct step_files files; /* of all `%appfiles`; targets in the image */
};

struct step {
	enum step_kind kind;
	uint32_t stage; /* index in the definition */
	struct node_id id;
	struct node_id
		parent; /* this step starts from its root filesystem; NODE_NONE: empty */
	struct node_id producer;    /* STEP_COPY: source of the files */
	struct node_id host_script; /* may make or change what this reads of the host */
	const char *name;	    /* "compiler.post": unique in the plan */
	const char *label;	/* "%post", "From golang:1.20", "%files from compiler" */
	const char *stage_name; /* "compiler", or "stage2" for one without name */
	struct place where;
	union {
		const struct step_base *base;
		struct step_apps apps;
		struct step_files files; /* STEP_COPY and STEP_FILES */
		struct step_script script;
		const struct sections *meta;
	};
};

const char *step_kind_name(enum step_kind kind); /* "base" */
/* Does it leave a root filesystem of its own, on top of its parent's? */
bool step_makes_layer(enum step_kind kind);
/* The same, for the `kind` in a record; false if it is not that of a step. */
bool step_makes_layer_by_name(const char *kind);
/* What it copies from the host; NULL if it is of a kind that copies nothing. */
const struct step_files *step_host_files(const struct step *step);
/* Is it a script on the host, whose inputs nobody knows? */
bool step_runs_always(const struct step *step);
/* Its name without that of its stage: "post", "copy2". */
const char *step_short_name(const struct step *step);

#endif
