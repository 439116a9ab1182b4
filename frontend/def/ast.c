/* SPDX-License-Identifier: MIT
 * ast.c - names and look-ups: see ast.h.
 */
#include "frontend/def/ast.h"

#include <string.h>

const char *def_kind_name(enum def_kind kind)
{
	static const char *const names[DEF_KINDS] = {
		[DEF_PRE] = "pre",
		[DEF_SETUP] = "setup",
		[DEF_POST] = "post",
		[DEF_TEST] = "test",
		[DEF_ENVIRONMENT] = "environment",
		[DEF_RUNSCRIPT] = "runscript",
		[DEF_STARTSCRIPT] = "startscript",
		[DEF_HELP] = "help",
		[DEF_LABELS] = "labels",
		[DEF_ARGUMENTS] = "arguments",
	};

	assert(kind < DEF_KINDS);
	return names[kind];
}

const struct def_header *def_header_find(const struct def_stage *stage, const char *key)
{
	/* Of a key given twice the last one counts. */
	for (size_t i = stage->n_headers; i-- > 0;)
		if (strcmp(stage->headers[i].key, key) == 0)
			return &stage->headers[i];
	return NULL;
}

const char *def_header(const struct def_stage *stage, const char *key)
{
	const struct def_header *header = def_header_find(stage, key);

	return header ? header->value : NULL;
}

const char *def_stage_label(const struct definition *def, size_t index,
			    struct arena *arena)
{
	const char *name = def->stages[index].name;

	return name && name[0] ? arena_printf(arena, "stage '%s'", name)
			       : arena_printf(arena, "stage %zu", index + 1);
}
