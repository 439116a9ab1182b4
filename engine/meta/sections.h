/* SPDX-License-Identifier: MIT
 * sections.h - what a definition's sections leave in the image, and what describes the
 *
 * image.
 *
 * Purpose:   the body of the `meta` step, and inspect-metadata.json for the SIF.
 * Ownership: requests are borrowed.
 * Threads:   any.
 * Errors:    as root_file.h; ERR_CORRUPT when the base's labels.json is no JSON.
 */
#ifndef ENGINE_META_SECTIONS_H
#define ENGINE_META_SECTIONS_H

#include "base/buf.h"
#include "base/err.h"
#include "engine/work/step.h"

struct sections_request {
	const struct step_meta *meta;
	const char *arch; /* Go name */
	int64_t time_s;	  /* build date */
	bool utc;	  /* write the date in UTC, not in the local zone */
	void (*note)(void *context, const char *text);
	void *context;
};

NODISCARD struct err *sections_write(int root_fd, const struct sections_request *request);
/* {"data":{"attributes":{...}},"type":"container"}, read from the finished root. */
NODISCARD struct err *sections_inspect_json(int root_fd, struct buf *out);

#endif
