/* SPDX-License-Identifier: MIT
 * ast.h - a definition, parsed: stages, headers, sections, with their places.
 *
 * Purpose:   what the plan compiler reads. Repeated sections are merged here as
 *            Apptainer merges them; spans always point into the text as the user wrote
 *            it.
 * Ownership: everything lies in the arena that def_parse() was given.
 * Threads:   const after parsing.
 */
#ifndef FRONTEND_DEF_AST_H
#define FRONTEND_DEF_AST_H

#include "base/arena.h"
#include "base/source.h"

enum def_kind {
	DEF_PRE,
	DEF_SETUP,
	DEF_POST,
	DEF_TEST,
	DEF_ENVIRONMENT,
	DEF_RUNSCRIPT,
	DEF_STARTSCRIPT,
	DEF_HELP,
	DEF_LABELS,
	DEF_ARGUMENTS,
	DEF_KINDS,
};

struct def_header {
	const char *key;   /* lower case */
	const char *value; /* comment cut, trimmed, continuation lines joined */
	struct span key_span, value_span;
};

struct def_section {
	bool present;	  /* has a body that counts: empty script sections do not */
	const char *args; /* of the section line, verbatim; "" when none */
	const char *body; /* all parts, each line ended by LF */
	struct span span; /* "%post" of the first part's line */
	struct span args_span;
};

struct def_copy {
	const char *source; /* quotes removed */
	const char *target; /* "" when omitted */
	struct span span;   /* the line, trimmed */
};

/* One group of %files sections with equal arguments. */
struct def_files {
	const char *from;      /* stage's name; NULL copies from the host */
	struct span from_span; /* the name in the section line */
	struct span span;      /* "%files" of the first part's line */
	struct def_copy *copies;
	size_t n_copies;
};

struct def_app {
	const char *name;
	struct span span; /* first section line that names it */
};

struct def_stage {
	const char *name;      /* value of `Stage:`; NULL without one */
	struct span name_span; /* that value */
	struct span span;      /* the `Bootstrap` key */
	struct def_header *headers;
	size_t n_headers;
	struct def_section sections[DEF_KINDS];
	struct def_files *files; /* in order of first appearance */
	size_t n_files;
	struct def_app *apps;
	size_t n_apps;
};

struct definition {
	const struct source *source;
	const char *text; /* of all stages, template arguments replaced: stored in the
			     image */
	struct def_stage *stages;
	size_t n_stages; /* at least 1; the last one is the image */
};

const char *def_kind_name(enum def_kind kind); /* "post" */
/* Value of a header, or NULL. */
const char *def_header(const struct def_stage *stage, const char *key);
const struct def_header *def_header_find(const struct def_stage *stage, const char *key);
/* "stage 'NAME'" or "stage 2" (from 1) for messages. */
const char *def_stage_label(const struct definition *def, size_t index,
			    struct arena *arena);

#endif
