/* SPDX-License-Identifier: MIT
 * chain.h - chains of layers that would be too long to be mounted.
 */
#ifndef ENGINE_WORK_CHAIN_H
#define ENGINE_WORK_CHAIN_H

#include "engine/work/work.h"

/* When `chain`, which a step has made, is longer than SNAPSHOT_MAX, merge its lowest
 * layers into one: the root filesystem stays the same.  Errors: those of tree_clone() and
 * layer_publish(). */
NODISCARD struct err *chain_shorten(const struct work *w, struct task *task,
				    struct snapshot *chain);

#endif
