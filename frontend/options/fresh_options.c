/* SPDX-License-Identifier: MIT
 * fresh_options.c - see fresh_options.h.
 */
#include "frontend/options/fresh_options.h"

#include <string.h>

#include "base/duration.h"

static struct err *check_name(const char *value)
{
	return value[0] ? NULL : err_new(ERR_USAGE, "the name of the stage is empty");
}

struct err *fresh_set_no_cache(void *settings, const char *value)
{
	struct fresh_options *o = settings;

	if (!value) {
		o->no_cache = true;
		return NULL;
	}
	TRY(check_name(value));
	vec_push(&o->no_cache_of, value);
	return NULL;
}

struct err *fresh_set_refresh(void *settings, const char *value)
{
	struct fresh_options *o = settings;

	if (!value) {
		o->refresh = true;
		return NULL;
	}
	TRY(check_name(value));
	vec_push(&o->refresh_of, value);
	return NULL;
}

struct err *fresh_set_max_age(void *settings, const char *value)
{
	struct fresh_options *o = settings;

	o->has_max_age = true;
	return duration_parse(value, &o->max_age_s);
}

struct err *fresh_set_pull(void *settings, const char *value)
{
	struct fresh_options *o = settings;

	if (strcmp(value, "always") == 0)
		o->pull = PULL_ALWAYS;
	else if (strcmp(value, "missing") == 0)
		o->pull = PULL_MISSING;
	else
		return err_new(ERR_USAGE, "'%s' is not one of always, missing", value);
	return NULL;
}

struct err *fresh_set_offline(void *settings, const char *value)
{
	(void)value;
	((struct fresh_options *)settings)->offline = true;
	return NULL;
}

struct err *fresh_set_locked(void *settings, const char *value)
{
	(void)value;
	((struct fresh_options *)settings)->locked = true;
	return NULL;
}

struct err *fresh_set_ignore_lock(void *settings, const char *value)
{
	(void)value;
	((struct fresh_options *)settings)->ignore_lock = true;
	return NULL;
}

struct err *fresh_set_security(void *settings, const char *value)
{
	struct fresh_options *o = settings;

	o->has_security = true;
	return security_parse(value, &o->security)
		       ? NULL
		       : err_new(ERR_USAGE, "'%s' is not one of container, apptainer",
				 value);
}

struct err *fresh_options_check(const struct fresh_options *o)
{
	bool refresh = o->refresh || o->refresh_of.len > 0;
	const struct {
		bool both;
		const char *a, *b;
	} pairs[] = {
		{o->offline && refresh, "--offline", "--refresh"},
		{o->offline && o->pull == PULL_ALWAYS, "--offline", "--pull=always"},
		{o->locked && refresh, "--locked", "--refresh"},
		{o->locked && o->ignore_lock, "--locked", "--ignore-lock"},
	};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		if (pairs[i].both)
			return err_hint(err_new(ERR_USAGE,
						"%s and %s cannot be used together",
						pairs[i].a, pairs[i].b),
					"leave out one of them");
	return NULL;
}

void fresh_options_release(struct fresh_options *o)
{
	vec_free(&o->no_cache_of);
	vec_free(&o->refresh_of);
	net_options_release(&o->net);
}
