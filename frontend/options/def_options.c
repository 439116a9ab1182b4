/* SPDX-License-Identifier: MIT
 * def_options.c - see def_options.h.
 */
#include "frontend/options/def_options.h"

#include <stdlib.h>
#include <string.h>

struct err *def_set_target(void *settings, const char *value)
{
	((struct def_options *)settings)->plan.target = value;
	return NULL;
}

struct err *def_set_all_stages(void *settings, const char *value)
{
	(void)value;
	((struct def_options *)settings)->plan.all_stages = true;
	return NULL;
}

struct err *def_set_host_scripts(void *settings, const char *value)
{
	struct plan_options *plan = &((struct def_options *)settings)->plan;

	if (strcmp(value, "always") != 0 && strcmp(value, "cached") != 0)
		return err_new(ERR_USAGE, "'%s' is not one of always, cached", value);
	plan->pure_host_scripts = strcmp(value, "cached") == 0;
	return NULL;
}

struct err *def_set_library(void *settings, const char *value)
{
	((struct def_options *)settings)->library = value;
	return NULL;
}

const char *def_library(const struct def_options *o)
{
	static const char *const variables[] = {"DAGBUILD_LIBRARY", "APPTAINER_LIBRARY",
						"SINGULARITY_LIBRARY"};

	if (o->library)
		return o->library;
	for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
		const char *value = getenv(variables[i]);

		/* Apptainer takes an empty one for none, too. */
		if (value && value[0])
			return value;
	}
	return NULL;
}

struct err *def_set_keep_tmp(void *settings, const char *value)
{
	(void)value;
	((struct def_options *)settings)->keep_tmp = true;
	return NULL;
}

struct err *def_set_build_arg(void *settings, const char *value)
{
	struct def_options *o = settings;

	if (!o->args)
		o->args = build_args_new();
	return build_args_flag(o->args, value);
}

struct err *def_set_build_arg_file(void *settings, const char *value)
{
	((struct def_options *)settings)->args_file = value;
	return NULL;
}

struct err *def_set_warn_unused(void *settings, const char *value)
{
	(void)value;
	((struct def_options *)settings)->warn_unused_args = true;
	return NULL;
}

struct err *def_set_werror(void *settings, const char *value)
{
	(void)value;
	((struct def_options *)settings)->diag.werror = true;
	return NULL;
}

static struct err *disable_one(struct def_options *o, struct str name)
{
	const char *near;
	enum diag_code code;

	if (!diag_code_find(name, &code)) {
		near = diag_code_nearest(name);
		return err_hint(err_new(ERR_USAGE,
					"there is no diagnostic with the code '%.*s'",
					STR_ARG(name)),
				near ? "did you mean '%s'?"
				     : "'dagbuild check --list' shows all codes%s",
				near ? near : "");
	}
	if (!diag_code_info(code)->can_be_disabled)
		return err_new(ERR_USAGE, "'%.*s' is an error that cannot be disabled",
			       STR_ARG(name));
	o->diag.disabled[code] = true;
	return NULL;
}

struct err *def_set_disable(void *settings, const char *value)
{
	struct str rest = str_of(value), name;
	bool more = true;

	while (more) {
		more = str_cut(rest, ',', &name, &rest);
		TRY(disable_one(settings, str_trim(name)));
	}
	return NULL;
}

void def_options_release(struct def_options *o)
{
	build_args_freep(&o->args);
}
