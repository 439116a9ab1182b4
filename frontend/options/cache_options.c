/* SPDX-License-Identifier: MIT
 * cache_options.c - see cache_options.h.
 */
#include "frontend/options/cache_options.h"

struct err *cache_set_dir(void *settings, const char *value)
{
	((struct cache_options *)settings)->dir = value;
	return NULL;
}
