/* SPDX-License-Identifier: MIT
 * why_private.h - what the files of `why` share.
 */
#ifndef ENGINE_WHY_WHY_PRIVATE_H
#define ENGINE_WHY_WHY_PRIVATE_H

#include "base/json.h"
#include "base/vec.h"
#include "engine/executor/key_parts.h"
#include "engine/why/why.h"

/* Reasons being collected. */
struct reasons {
	VEC(struct why_reason) items;
};

/* Two builds of a step, as detail.h describes them. */
struct comparison {
	const struct step *step;
	const cJSON *was, *is;
	bool is_current; /* `is` is what the definition says now: lines have places */
	struct reasons *out;
};

PRINTF(4, 5)
void reason_add(struct reasons *r, const char *part, const char *brief,
		const char *format, ...);
/* All differences except that of the parent. */
void why_compare(const struct comparison *c);
/* Both digests of the part are known, and they differ. */
bool why_differs(const cJSON *was, const cJSON *is, const char *part);
/* How many parts differ. */
size_t why_distance(const cJSON *was, const cJSON *is);
/* The class-specific halves of why_compare(). */
void why_compare_lines(const struct comparison *c, const struct key_part *part);
void why_compare_files(const struct comparison *c);

/* "%files" or "%appfiles": what the step copies by. */
const char *why_files_section(const struct step *step);

#endif
