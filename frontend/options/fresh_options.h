/* SPDX-License-Identifier: MIT
 * fresh_options.h - options that say what of the cache may be used, and how tags are
 * resolved.
 *
 * Purpose:   parse them, and find those that contradict one another. A command's settings
 *            begin with a struct fresh_options; its rows have FRESH_PLAN_ROWS, and
 *            FRESH_RUN_ROWS when it resolves tags.
 * Ownership: fresh_options_release() ends it; values point into argv.
 * Threads:   main thread only.
 * Errors:    ERR_USAGE.
 */
#ifndef FRONTEND_OPTIONS_FRESH_OPTIONS_H
#define FRONTEND_OPTIONS_FRESH_OPTIONS_H

#include "engine/run/security.h"
#include "frontend/options/net_options.h"

enum fresh_pull { PULL_UNSET, PULL_ALWAYS, PULL_MISSING };

struct fresh_options {
	struct net_options net;	       /* first: see cache_options.h */
	bool no_cache;		       /* of everything */
	VEC(const char *) no_cache_of; /* "STAGE", "STAGE.STEP" */
	bool refresh;		       /* of every stage */
	VEC(const char *) refresh_of;  /* "STAGE" */
	bool has_max_age;
	uint64_t max_age_s;
	enum fresh_pull pull;
	bool offline, locked, ignore_lock;
	/* What scripts may do; what was built with another setting is not used. */
	bool has_security;
	enum security security;
};

#define SECURITY_ROW                                                                     \
	{                                                                                \
		0, "security", "KIND",                                                   \
			"what scripts may do: container or apptainer (default: "         \
			"container)",                                                    \
			fresh_set_security, 0                                            \
	}

#define FRESH_PLAN_ROWS                                                                  \
	{0,                                                                              \
	 "no-cache",                                                                     \
	 "[=STAGE[.STEP]]",                                                              \
	 "rebuild everything, a stage, or a step (repeatable)",                          \
	 fresh_set_no_cache,                                                             \
	 0},                                                                             \
		{0,                                                                      \
		 "max-age",                                                              \
		 "AGE",                                                                  \
		 "rebuild what is older than AGE, such as 12h or 7d",                    \
		 fresh_set_max_age,                                                      \
		 0},                                                                     \
		{0,                                                                      \
		 "locked",                                                               \
		 NULL,                                                                   \
		 "refuse a base that is not in FILE.lock",                               \
		 fresh_set_locked,                                                       \
		 0},                                                                     \
		{0,                                                                      \
		 "ignore-lock",                                                          \
		 NULL,                                                                   \
		 "resolve tags as if there were no FILE.lock",                           \
		 fresh_set_ignore_lock,                                                  \
		 0},                                                                     \
		SECURITY_ROW

#define FRESH_RUN_ROWS                                                                   \
	{0,                                                                              \
	 "refresh",                                                                      \
	 "[=STAGE]",                                                                     \
	 "ask the registry for tags again, whatever FILE.lock says",                     \
	 fresh_set_refresh,                                                              \
	 0},                                                                             \
		{0,                                                                      \
		 "pull",                                                                 \
		 "WHEN",                                                                 \
		 "when to ask the registry for tags: always or missing (default: "       \
		 "always)",                                                              \
		 fresh_set_pull,                                                         \
		 0},                                                                     \
	{                                                                                \
		0, "offline", NULL,                                                      \
			"make no network request: use what is in the cache, or fail",    \
			fresh_set_offline, 0                                             \
	}

NODISCARD struct err *fresh_set_no_cache(void *settings, const char *value);
NODISCARD struct err *fresh_set_refresh(void *settings, const char *value);
NODISCARD struct err *fresh_set_max_age(void *settings, const char *value);
NODISCARD struct err *fresh_set_pull(void *settings, const char *value);
NODISCARD struct err *fresh_set_offline(void *settings, const char *value);
NODISCARD struct err *fresh_set_locked(void *settings, const char *value);
NODISCARD struct err *fresh_set_ignore_lock(void *settings, const char *value);
NODISCARD struct err *fresh_set_security(void *settings, const char *value);
/* Do any two contradict each other? */
NODISCARD struct err *fresh_options_check(const struct fresh_options *o);
void fresh_options_release(struct fresh_options *o);

#endif
