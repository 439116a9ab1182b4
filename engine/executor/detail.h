/* SPDX-License-Identifier: MIT
 * detail.h - what is remembered of a step's inputs, so that a difference can be named.
 *
 * Purpose:   a JSON object with the key, and for each part its digest and as much detail
 *            as key_parts.h says: texts as digests of their lines, values of variables
 *            and labels as digests. All digests are keyed with the store's secret, since
 *            the hashed values may be secrets.
 *
 *              {"key": HEX, "parts": {NAME: HEX, ...}, "plain": {NAME: TEXT},
 *               "lines": {NAME: [HEX, ...]}, "sets": {NAME: {ITEM: HEX}},
 *               "files": {...}, "reference": "alpine:3.17"}
 * Ownership: the tree is the caller's.
 * Threads:   the step's own.
 */
#ifndef ENGINE_EXECUTOR_DETAIL_H
#define ENGINE_EXECUTOR_DETAIL_H

#include "engine/work/work.h"

/* For a composed step, also for one that waits for another: then parts may be missing. */
cJSON *detail_new(const struct work *w, const struct step *step);

#endif
