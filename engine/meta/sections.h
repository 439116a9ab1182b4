/* SPDX-License-Identifier: MIT
 * sections.h - what a definition's sections leave in the image, and what describes the
 * image.
 *
 * Purpose:   the body of the `meta` step, and inspect-metadata.json for the SIF.
 * Ownership: requests are borrowed.
 * Threads:   any.
 * Errors:    as root_file.h; ERR_CORRUPT when the base's labels.json is not JSON.
 */
#ifndef ENGINE_META_SECTIONS_H
#define ENGINE_META_SECTIONS_H

#include "base/buf.h"
#include "base/err.h"

struct section_label {
	const char *name, *value;
};

struct section_labels {
	const struct section_label *items;
	size_t len;
};

struct section_text {
	const char *body; /* NULL: absent */
	const char *args; /* of the section line */
};

struct sections {
	const char *definition; /* whole text; NULL except in the target stage */
	struct section_text help, environment, runscript, startscript, test;
	struct section_labels labels;  /* of %labels */
	struct section_labels headers; /* of the stage, key and value */
};

struct sections_request {
	const struct sections *meta;
	const char *arch; /* Go name */
	int64_t time_s;	  /* build date */
	bool utc;	  /* write the date in UTC, not in the local zone */
	void (*note)(void *context, const char *text);
	void *context;
};

NODISCARD struct err *sections_write(int root_fd, const struct sections_request *request);
/* {"data":{"attributes":{...}},"type":"container"}, read from the finished root.
 * `*apps_left_out`: it says nothing of some apps, which are too large or too many. */
NODISCARD struct err *sections_inspect_json(int root_fd, struct buf *out,
					    bool *apps_left_out);

#endif
