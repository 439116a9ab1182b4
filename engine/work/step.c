/* SPDX-License-Identifier: MIT
 * step.c - what is the same for all steps of a kind.
 */
#include "engine/work/step.h"

#include <string.h>

struct kind {
	const char *name;
	bool makes_layer;
};

static const struct kind kinds[] = {
	[STEP_PRE] = {"pre", false},	[STEP_BASE] = {"base", true},
	[STEP_APPS] = {"apps", true},	[STEP_COPY] = {"copy", true},
	[STEP_SETUP] = {"setup", true}, [STEP_FILES] = {"files", true},
	[STEP_POST] = {"post", true},	[STEP_META] = {"meta", true},
	[STEP_TEST] = {"test", false},	[STEP_PACK] = {"pack", false},
};
TABLE_HAS_ALL(kinds, STEP_KINDS);

const char *step_kind_name(enum step_kind kind)
{
	assert(kind < STEP_KINDS);
	return kinds[kind].name;
}

bool step_makes_layer(enum step_kind kind)
{
	assert(kind < STEP_KINDS);
	return kinds[kind].makes_layer;
}

bool step_makes_layer_by_name(const char *kind)
{
	for (size_t i = 0; i < STEP_KINDS; i++)
		if (strcmp(kind, kinds[i].name) == 0)
			return kinds[i].makes_layer;
	return false;
}

const struct step_files *step_host_files(const struct step *step)
{
	if (step->kind == STEP_APPS)
		return &step->apps.files;
	return step->kind == STEP_FILES ? &step->files : NULL;
}

bool step_runs_always(const struct step *step)
{
	return (step->kind == STEP_PRE || step->kind == STEP_SETUP) &&
	       !step->script.is_pure;
}

const char *step_base_header(const struct step_base *base, const char *key)
{
	for (size_t i = 0; i < base->headers.len; i++)
		if (strcmp(base->headers.items[i].name, key) == 0)
			return base->headers.items[i].value[0]
				       ? base->headers.items[i].value
				       : NULL;
	return NULL;
}

const char *step_short_name(const struct step *step)
{
	return step->name + strlen(step->stage_name) + 1;
}
