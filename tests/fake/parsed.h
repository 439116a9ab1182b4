/* SPDX-License-Identifier: MIT
 * parsed.h - for tests: a definition parsed from a text.
 */
#ifndef TESTS_FAKE_PARSED_H
#define TESTS_FAKE_PARSED_H

#include "frontend/def/parse.h"

struct parsed {
	struct source *source;
	struct arena *arena;
	struct build_args *args;
	struct diag_list *diags;
	struct definition *def; /* NULL: none */
};

/* `args` is the value of a --build-arg, or NULL. */
static inline void parsed_init(struct parsed *p, const char *text, const char *args)
{
	p->source = source_new("x.def", str_of(text));
	p->arena = arena_new();
	p->args = build_args_new();
	p->diags = diag_list_new(p->source, NULL);
	if (args) {
		struct err *e = build_args_flag(p->args, args);

		assert(!e);
		(void)e;
	}
	def_parse(p->source, p->args, p->arena, p->diags, &p->def);
}

static inline void parsed_release(struct parsed *p)
{
	diag_list_free(p->diags);
	build_args_free(p->args);
	arena_free(p->arena);
	source_free(p->source);
}

#endif
