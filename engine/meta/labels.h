/* SPDX-License-Identifier: MIT
 * labels.h - labels.json, of an image or of an app in it: a map of texts.
 *
 * Purpose:   labels come from strangers, and there may be very many: setting one takes
 *            the same time however many there are.
 * Ownership: labels_release() ends a map; texts are copied in.
 * Threads:   a map belongs to one thread.
 * Errors:    labels_load(): ERR_CORRUPT for a file that is not such a map; a missing file
 *            gives an empty one.
 */
#ifndef ENGINE_META_LABELS_H
#define ENGINE_META_LABELS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"
#include "base/str.h"

struct label {
	char *name, *value;
};

struct labels {
	struct label **items; /* in the order in which they were first set, or sorted */
	size_t len, cap;
	struct map by_name;
};

#define LABELS_INIT                                                                      \
	{                                                                                \
		0                                                                        \
	}

/* The image's own; an app has another file. */
extern const char LABELS_OF_IMAGE[];

/* From a file of the root filesystem. */
NODISCARD struct err *labels_load(int root_fd, const char *path, struct labels *out);
/* Sort them by name, and write the file. */
NODISCARD struct err *labels_save(int root_fd, const char *path, struct labels *labels);
/* Put `items` into the order of their names. */
void labels_sort(struct labels *labels);
/* Set a label.  Without `overwrite` an existing one stays, and false is returned. */
bool labels_set(struct labels *labels, const char *name, const char *value,
		bool overwrite);
/* Lines "NAME VALUE" (first space splits; blank and `#` lines are skipped), overwriting.
 */
void labels_set_lines(struct labels *labels, struct str text);
void labels_release(struct labels *labels);

#endif
