/* SPDX-License-Identifier: MIT
 * cache_options.h - the option of every command that uses the cache: where it is.
 *
 * Purpose:   the first link of the chain of option structures: cache_options is the
 *            beginning of def_options, that of net_options, that of fresh_options.  A
 *            command's settings begin with the link that has what it needs, so that each
 *            row's set() finds its own link at the beginning of the settings.
 * Ownership: values point into argv.
 * Threads:   main thread only.
 * Errors:    none.
 */
#ifndef FRONTEND_OPTIONS_CACHE_OPTIONS_H
#define FRONTEND_OPTIONS_CACHE_OPTIONS_H

#include "frontend/options/options.h"

struct cache_options {
	const char *dir; /* NULL: the default of store_default_dir() */
};

#define CACHE_OPTION_ROW                                                                 \
	{                                                                                \
		0, "cache-dir", "DIR",                                                   \
			"the cache folder (default: $DAGBUILD_CACHEDIR, else "           \
			"~/.cache/dagbuild)",                                            \
			cache_set_dir, 0                                                 \
	}

NODISCARD struct err *cache_set_dir(void *settings, const char *value);

#endif
