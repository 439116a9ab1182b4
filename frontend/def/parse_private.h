/* SPDX-License-Identifier: MIT
 * parse_private.h - what the files of the parser share.
 */
#ifndef FRONTEND_DEF_PARSE_PRIVATE_H
#define FRONTEND_DEF_PARSE_PRIVATE_H

#include "base/buf.h"
#include "base/vec.h"
#include "frontend/def/ast.h"
#include "frontend/def/diag.h"

struct parser {
	const struct source *source;
	struct str text; /* of the whole source */
	struct arena *arena;
	struct diag_list *diags;
};

/* A line of the source, without its line end (LF, or CR LF). */
struct line {
	struct str text;
	size_t start; /* offset */
	size_t next;  /* offset of the next line */
};

/* The line at `offset`; false at or after `end`. */
bool parse_line_at(const struct parser *p, size_t offset, size_t end, struct line *out);
struct span parse_span(const struct parser *p, struct str slice);

/* Header lines from `start` to `end`. */
void parse_header(const struct parser *p, size_t start, size_t end,
		  struct def_stage *stage);

/* What is known of a stage's %files sections while it is parsed. */
struct files_group {
	struct str args; /* verbatim: the groups' identity */
	struct def_files files;
	VEC(struct def_copy) copies;
};

struct files_groups {
	VEC(struct files_group) items;
};

/* A %files section: its line's arguments (a slice of the source), and its body's lines.
 */
void parse_files(const struct parser *p, struct span name, struct str args, size_t start,
		 size_t end, struct files_groups *groups);
void parse_files_finish(const struct parser *p, struct files_groups *groups,
			struct def_stage *stage);

#endif
