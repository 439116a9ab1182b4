/* SPDX-License-Identifier: MIT
 * ast.h - a definition, parsed: stages, headers, sections, with their places.
 *
 * Purpose:   what checks and the plan compiler read. Repeated sections are merged here as
 *            Apptainer merges them; spans always point into the text as the user wrote
 *            it; for text from a template argument, at its placeholder.
 * Ownership: everything lies in the arena that def_parse() was given, or in the source.
 * Threads:   const after parsing.
 */
#ifndef FRONTEND_DEF_AST_H
#define FRONTEND_DEF_AST_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/source.h"
#include "frontend/def/text.h"

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

enum def_app_kind {
	DEF_APP_INSTALL,
	DEF_APP_FILES,
	DEF_APP_ENV,
	DEF_APP_LABELS,
	DEF_APP_HELP,
	DEF_APP_RUN,
	DEF_APP_START,
	DEF_APP_TEST,
	DEF_APP_KINDS,
};

struct def_header {
	struct def_header *next;
	const char *key;   /* lower case */
	const char *value; /* comment cut, trimmed, continuation lines joined */
	struct span key_span, value_span; /* the value's first line */
};

/* The lines below one section line: a slice of the definition's text. */
struct def_part {
	struct def_part *next;
	struct str text;
	struct span span; /* "%post" of the section line */
};

/* All sections of a kind. */
struct def_section {
	struct str args;	/* of the section line: slices of the text, verbatim */
	struct span span;	/* "%post" of the first one's line */
	struct def_part *parts; /* in order, also the empty ones */
	struct def_part *last;
	bool is_empty; /* no part has a line: counts as absent */
};

struct def_copy {
	struct def_copy *next;
	const char *source;		      /* quotes removed */
	const char *target;		      /* "" when omitted */
	struct span source_span, target_span; /* words, without quotes */
};

struct def_copies {
	struct def_copy *first, *last;
	size_t n;
};

/* One group of %files sections with equal arguments. */
struct def_files {
	struct def_files *next;
	const char *from;      /* stage's name; NULL copies from the host */
	struct span from_span; /* the name in the section line */
	struct span span;      /* "%files" of the first one's line */
	struct def_copies copies;
	bool has_lines; /* even if they copy nothing */
};

struct def_app {
	struct def_app *next;
	const char *name;
	struct span span; /* its name in the first section line */
	struct def_section *sections[DEF_APP_KINDS];
	struct def_copies files; /* the lines of its %appfiles */
};

/* A default of %arguments. */
struct def_argument {
	struct def_argument *next;
	const char *name, *value;
	struct span span; /* the name */
	bool is_used;
};

struct def_stage {
	const char *name;	    /* value of `Stage:`; NULL without one */
	struct span name_span;	    /* that value */
	struct span span;	    /* its `Bootstrap:`, or the first line without one */
	struct str text;	    /* all of it, in the definition's text */
	struct def_header *headers; /* in order, known ones only */
	struct def_section *sections[DEF_KINDS]; /* NULL: absent */
	struct def_files *files;		 /* in order of first appearance */
	struct def_app *apps;			 /* the same */
	struct def_argument *arguments;		 /* defaults, in order */
	/* A line of its header is wrong, and an error says so: it may be meant as a
	 * header that seems to be missing. */
	bool has_bad_header;
	/* A %files section does not say where to copy from, and an error says so. */
	bool has_bad_files;
	/* Some of its template arguments could not be replaced, and an error says so:
	 * values may not be what was meant. */
	bool is_partial;
};

struct definition {
	const struct source *source;
	/* Of all stages, with template arguments replaced: the image stores it. */
	struct def_text text;
	struct def_stage *stages;
	size_t n_stages; /* at least 1; the last one is the image */
	bool keep_tmp;	 /* asked for: what `%post` makes in /tmp and /var/tmp stays */
};

const char *def_kind_name(enum def_kind kind);	       /* "post" */
const char *def_app_kind_name(enum def_app_kind kind); /* "appinstall" */
/* The section if it has a body, else NULL. */
const struct def_section *def_section(const struct def_stage *stage, enum def_kind kind);
const struct def_section *def_app_section(const struct def_app *app,
					  enum def_app_kind kind);
/* Does a shell find a command in the section? Blank lines and comments do not count. */
bool def_has_commands(const struct def_section *section);
/* %pre, %setup, %post or %test, if it does something when it runs: else it is not a
 * step. */
const struct def_section *def_script(const struct def_stage *stage, enum def_kind kind);
/* Value of a header, or NULL. */
const char *def_header(const struct def_stage *stage, const char *key);
/* The last one of a key that is given twice; NULL without one. */
const struct def_header *def_header_find(const struct def_stage *stage, const char *key);
/* `From:` after what `Registry:` and `Namespace:` put before it for OCI agents; NULL
 * without one. */
const char *def_image(const struct def_stage *stage, struct arena *arena);
/* "stage 'NAME'" or "stage 2" (from 1) for messages. */
const char *def_stage_label(const struct definition *def, size_t index,
			    struct arena *arena);
/* The section's body: all its parts, each line ended by LF.  "" for NULL. */
const char *def_body(const struct def_section *section, struct arena *arena);

/* The next line of %arguments, %labels and similar sections: trimmed; empty lines and
 * comments (`#` at the front) are skipped.  True while there is one. */
bool def_entry(struct str *rest, struct str *line);

#endif
