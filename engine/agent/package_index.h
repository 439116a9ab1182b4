/* SPDX-License-Identifier: MIT
 * package_index.h - the index of a package repository: what the repository holds now.
 *
 * Purpose:   an agent that installs packages gets other ones when the index has changed;
 *            so the index is its source, for the step's key.
 * Ownership: nothing is handed out.
 * Threads:   called on a task's thread.
 * Errors:    ERR_NOTFOUND when no request may be made and none was; ERR_USAGE for a URL
 *            that is neither of http, https nor of a file; those of registry.h.
 */
#ifndef ENGINE_AGENT_PACKAGE_INDEX_H
#define ENGINE_AGENT_PACKAGE_INDEX_H

#include "engine/agent/resolved.h"

/* The digest of the first of these files (NULL ends them) that the repository has;
 * `mirror` is its URL. */
NODISCARD struct err *package_index_find(const struct agent_context *c,
					 const char *mirror, const char *const *files,
					 struct digest *out);

bool package_index_is_local(const char *url);
/* What a URL of http, https or file names: all of it, at most OCI_DOCUMENT_MAX bytes; or
 * its SHA-256. */
NODISCARD struct err *package_index_read(const struct agent_context *c, const char *url,
					 struct buf *text);
NODISCARD struct err *package_index_digest(const struct agent_context *c, const char *url,
					   struct digest *out);
/* An error of these two, for a file that the mirror should have; `file` NULL: itself. */
NODISCARD struct err *package_index_blame(struct err *e, const char *mirror,
					  const char *file);
/* As resolved_find(); but what is on this host is looked at each time. */
NODISCARD struct err *package_index_resolve(const struct agent_context *c,
					    const char *url, const char *name,
					    resolved_ask ask, void *self,
					    struct digest *out);

#endif
