/* SPDX-License-Identifier: MIT
 * check_private.h - what the checks share.
 *
 * Which is which, from top to bottom; each knows only those below it:
 *
 *   check.c           the order of all checks
 *   check_names.c     stages: names, references, what is used
 *   check_agents.c    headers       check_files.c    %files
 *   check_meta.c      labels, apps  check_text.c     the text of any section
 *   check_scripts.c   script sections: what runs them, by their arguments and first line
 *   check_shell.c     ... and what is in them, if that is a shell: makes diagnostics of
 *   script_lint.h     what is likely wrong in one script: knows its text, and neither
 *                     definitions nor diagnostics; it asks each rule of script_rules.h:
 *   script_bash.c     words of bash where no bash runs them
 *   script_tmp.c      files below /tmp that nothing put there
 *   shell/            reads shell text, and knows no rule
 */
#ifndef FRONTEND_CHECK_CHECK_PRIVATE_H
#define FRONTEND_CHECK_CHECK_PRIVATE_H

#include "base/map.h"
#include "base/vec.h"
#include "frontend/check/check.h"
#include "frontend/check/script_lint.h"
#include "frontend/def/scan.h"

/* A section without text. */
struct check_empty {
	struct span span;   /* "%post" */
	const char *effect; /* what it does all the same, or NULL */
};

struct check {
	const struct definition *def;
	const struct check_options *options;
	struct diag_list *diags;
	struct arena *arena;	/* for texts that live as long as the checks */
	struct map names;	/* stage name to its first stage */
	bool is_partial;	/* some stage is: names may be missing */
	bool has_bad_reference; /* what is used is not known */
	bool *used;		/* by stage: the image needs it, as far as is known */
	VEC(const struct def_section *)
	host_scripts; /* %pre and %setup up to the stage that is looked at */
	VEC(struct check_empty) empty; /* of that stage */
	bool is_crlf_said;
	const struct def_stage *targets_of; /* whose `targets` are: check_shell.c */
	VEC(struct str) targets;
};

static inline struct span check_span(const struct check *c, struct str slice)
{
	return def_text_span(&c->def->text, slice);
}

/* All stages at once: names, references, which of them are used. */
void check_names(struct check *c);
/* One stage, in the order of the file. */
void check_agent(struct check *c, const struct def_stage *stage);
void check_files(struct check *c, const struct def_stage *stage);
void check_scripts(struct check *c, const struct def_stage *stage);
void check_meta(struct check *c, const struct def_stage *stage);

/* What a section's text is: blanks, or comments, alone are not text. */
enum check_text {
	CHECK_SCRIPT,
	CHECK_ENTRIES, /* has comments */
	CHECK_PROSE,
};

/* Check the text of any section; `effect` is what a section with lines but without text
 * does, or NULL. */
void check_text(struct check *c, const struct def_section *section, enum check_text what,
		const char *effect);
/* Report all sections of a stage that have no text together: skeletons have many. */
void check_empty_report(struct check *c);
/* Does the stage after `stage` begin right after `text`? */
bool check_ends_at_stage(const struct check *c, const struct def_stage *stage,
			 struct str text);
void check_help_end(struct check *c, const struct def_stage *stage);

/* Where a script runs. */
enum check_where {
	CHECK_ON_HOST,
	CHECK_IN_POST, /* during the build: /tmp is the image's own */
	CHECK_IN_IMAGE,
};

/* The section as a script that `shell` runs. */
void check_shell(struct check *c, const struct def_stage *stage,
		 const struct def_section *section, enum check_where where,
		 enum shell_kind shell);

/* Does the destination climb above `start`, which it counts from ("the image's root")? If
 * so, report it. */
bool check_escapes(struct check *c, const char *target, struct span span,
		   const char *start);
/* How many things the word stands for on the host; absent ones are reported. */
size_t check_host_source(struct check *c, const struct def_stage *stage,
			 const char *source, struct span span, bool is_pattern);

#endif
