/* SPDX-License-Identifier: MIT
 * size_limit.c - see size_limit.h.
 */
#include "base/size_limit.h"

static double gibibytes(uint64_t bytes)
{
	return (double)bytes / (double)GIB(1);
}

static struct err *with_advice(struct err *e)
{
	return err_hint(
		e, "holes count, as they do for all who read the image; if it is meant "
		   "to be so large, give a higher --max-file (or "
		   "DAGBUILD_MAX_FILE)");
}

struct err *size_limit_add(struct size_limit *l, uint64_t size)
{
	if (l->max > 0 && size > l->max)
		return with_advice(
			err_new(ERR_SYS,
				"it has %.1f GiB, more than the %.1f GiB that a "
				"file may have",
				gibibytes(size), gibibytes(l->max)));
	l->sum += size;
	if (l->max > 0 && l->sum > l->max)
		return with_advice(err_new(
			ERR_SYS,
			"the files up to it have %.1f GiB together, more than the %.1f "
			"GiB that a layer may have",
			gibibytes(l->sum), gibibytes(l->max)));
	return NULL;
}
