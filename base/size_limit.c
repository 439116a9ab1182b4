/* SPDX-License-Identifier: MIT
 * size_limit.c - see size_limit.h.
 */
#include "base/size_limit.h"

#include "base/byte_count.h"

static struct err *with_advice(struct err *e)
{
	return err_hint(
		e,
		"holes count, since they cost every reader of the image; if it is meant "
		"to be so large, give a higher --max-file (or "
		"DAGBUILD_MAX_FILE)");
}

struct err *size_limit_add(struct size_limit *l, uint64_t size)
{
	char has[BYTE_COUNT_SIZE], may_have[BYTE_COUNT_SIZE];

	if (l->max > 0 && size > l->max) {
		byte_count_format_two(size, l->max, has, may_have);
		return with_advice(err_new(
			ERR_SYS, "it has %s, more than the limit of %s for a file", has,
			may_have));
	}
	l->sum += size;
	if (l->max > 0 && l->sum > l->max) {
		byte_count_format_two(l->sum, l->max, has, may_have);
		return with_advice(err_new(
			ERR_SYS,
			"the files up to this one have %s together, more than the %s "
			"that a layer may have",
			has, may_have));
	}
	return NULL;
}
