/* SPDX-License-Identifier: MIT
 * layer_times.h - the times in a layer, where they count: with SOURCE_DATE_EPOCH.
 *
 * Purpose:   the times in an image are those of its files, capped at the epoch. So with
 *            an epoch two layers are the same only if these times are equal, too. Another
 *            epoch gives another digest: it is computed on request, in a walk that reads
 *            no contents (4 microseconds a file), and remembered, so that a run without
 *            changes computes none.
 * Threads:   any.
 * Errors:    layer_times(): ERR_NOTFOUND when it is not known and may not be computed;
 *            ERR_CORRUPT when the layer, or something in it, is gone; ERR_SYS,
 *            ERR_CANCELLED.  A failure to remember it is not an error: it is computed
 *            again.
 */
#ifndef CACHE_LAYER_TIMES_H
#define CACHE_LAYER_TIMES_H

#include "cache/layer.h"

/* The digest over the times in layer `id`, in seconds, each at most `epoch_s`;
 * `may_look`: compute it when it is not known. */
NODISCARD struct err *layer_times(const struct store *s, const struct layer_id *id,
				  int64_t epoch_s, bool may_look, struct stop stop,
				  struct digest *out);

#endif
