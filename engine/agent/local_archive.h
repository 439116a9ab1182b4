/* SPDX-License-Identifier: MIT
 * local_archive.h - an image archive of this host as the base of a stage.
 *
 * Purpose:   what `oci-archive` and `docker-archive` have in common: the source is what
 *            the file holds, and which of the images in it is meant.
 * Ownership: nothing is handed out.
 * Threads:   called on a task's thread.
 * Errors:    those of local_file.h and archive.h, and of `bring`.
 */
#ifndef ENGINE_AGENT_LOCAL_ARCHIVE_H
#define ENGINE_AGENT_LOCAL_ARCHIVE_H

#include "engine/agent/archive.h"
#include "engine/oci/oci_local_ref.h"

/* The image that `ref` names in the archive becomes the base. */
typedef struct err *(*local_archive_bring)(const struct agent_context *c,
					   const struct archive *archive,
					   const struct oci_local_ref *ref,
					   struct agent_base *out);

/* As agent.resolve and agent.fetch. */
NODISCARD struct err *local_archive_resolve(const struct agent_context *c,
					    const struct step_base *base,
					    struct digest *out);
NODISCARD struct err *local_archive_fetch(const struct agent_context *c,
					  const struct step_base *base,
					  const struct digest *resolved,
					  local_archive_bring bring,
					  struct agent_base *out);

#endif
