/* SPDX-License-Identifier: MIT
 * why_reasons.c - the list of reasons being collected.
 */
#include "engine/why/why_private.h"

void reason_add(struct reasons *r, const char *part, const char *brief,
		const char *format, ...)
{
	struct why_reason reason = {.part = part, .brief = brief ? xstrdup(brief) : NULL};
	va_list args;

	va_start(args, format);
	reason.text = xvasprintf(format, args);
	va_end(args);
	vec_push(&r->items, reason);
}
