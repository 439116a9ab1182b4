/* SPDX-License-Identifier: MIT
 * failed_view.h - the roots of failed steps, for people and programs to read.
 *
 * Threads:   main thread only.
 * Errors:    failed_view_find(): ERR_NOTFOUND, with a hint.
 */
#ifndef FRONTEND_CLI_FAILED_VIEW_H
#define FRONTEND_CLI_FAILED_VIEW_H

#include "base/buf.h"
#include "cache/failed.h"

void failed_view_text(const struct failed_list *list, struct buf *out);
void failed_view_json(const struct failed_list *list, struct buf *out);
/* "2": the second newest; "one.post": the newest of this step; or its name.  NULL: the
 * newest. */
NODISCARD struct err *failed_view_find(const struct failed_list *list, const char *text,
				       const struct failed **out);
/* "one.post", "x.def:5:1", "'make' exited with status 2": what failed, where, and how. */
void failed_view_headline(const struct failed *f, struct buf *out);

#endif
