/* SPDX-License-Identifier: MIT
 * parse_private.h - what the files of the parser share.
 */
#ifndef FRONTEND_DEF_PARSE_PRIVATE_H
#define FRONTEND_DEF_PARSE_PRIVATE_H

#include "base/map.h"
#include "frontend/def/ast.h"
#include "frontend/def/build_args.h"
#include "frontend/def/diag.h"
#include "frontend/def/scan.h"

struct parser {
	const struct def_text *text;
	struct arena *arena;
	struct diag_list *diags;
	/* Template arguments are not replaced yet: keys, sections and %arguments count,
	 * the rest may still change. */
	bool is_draft;
	/* Mistakes in keys and names of sections were reported for the draft, or come
	 * from arguments without a value. */
	bool is_said;
};

/* A stage while it is parsed: the ends of its lists, and what is in them already. */
struct stage_builder {
	const struct parser *parser;
	struct def_stage *stage;
	struct def_header **next_header;
	struct def_files **next_files;
	struct def_app **next_app;
	struct def_argument **next_argument;
	struct map keys, groups, apps;
};

static inline struct span parse_span(const struct parser *p, struct str slice)
{
	return def_text_span(p->text, slice);
}

/* Parse `text`, a slice of the parser's text, into `stage`, which is zero. */
void parse_stage(const struct parser *p, struct str text, struct def_stage *stage);
/* The lines above the first section. */
void parse_header(struct stage_builder *b, struct str text);
/* `%files`: what follows the name, and the section's lines. */
void parse_files(struct stage_builder *b, struct span name, struct str args,
		 struct str body);
/* The lines of an `%appfiles` section. */
void parse_app_files(const struct parser *p, struct def_app *app, struct str body);

/* Append the text of a stage, its placeholders replaced, to `out`.  False when some have
 * no value: they stay, and an error says so. */
bool template_replace(const struct parser *p, struct str text, struct build_args *given,
		      struct def_argument *defaults, struct text_builder *out);

#endif
