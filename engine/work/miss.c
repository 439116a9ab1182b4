/* SPDX-License-Identifier: MIT
 * miss.c - see miss.h.
 */
#include "engine/work/miss.h"

#include "base/base.h"

enum miss miss_of(const struct err *e)
{
	if (!e)
		return MISS_NONE;
	if (err_code(e) == ERR_CANCELLED)
		return MISS_STOPPED;
	return err_code(e) == ERR_NOTFOUND ? MISS_TIMES : MISS_DAMAGED;
}

const char *miss_text(enum miss miss)
{
	static const char *const texts[MISSES] = {
		[MISS_UNSUPPORTED] = "nobody can build it",
		[MISS_UNRESOLVED] = "not resolved yet",
		[MISS_NOT_LOOKED_AT] = "the files were not looked at yet",
		[MISS_ALWAYS] = "runs on the host, each time",
		[MISS_NEW] = "not built before with these inputs",
		[MISS_NO_CACHE] = "--no-cache",
		[MISS_OLD] = "older than --max-age",
		[MISS_EPOCH] = "it was made before SOURCE_DATE_EPOCH",
		[MISS_GONE] = "what it made is gone",
		[MISS_DAMAGED] = "some of what it made is gone, or was changed",
		[MISS_OTHER_IDS] = "it was made with another id map",
		[MISS_TIMES] = "its times were not looked at yet",
		[MISS_STOPPED] = "the build was interrupted",
		[MISS_OTHER_CPU] = "it was made for another processor",
		[MISS_IMAGE] = "the image is not the one that was built",
	};

	assert(miss < MISSES);
	return texts[miss];
}
