/* SPDX-License-Identifier: MIT
 * image_folder.h - a root filesystem in a folder of this host, which Apptainer calls a
 * sandbox, as the base of a stage.
 *
 * Purpose:   the folder is named by what it holds, as the build will see it: owners as
 *            our user namespace shows them, and times where they count. So an ordinary
 *            user's folder can only be looked at in there.
 * Ownership: descriptors are borrowed.
 * Threads:   called on a task's thread.
 * Errors:    those of tree_copy(); ERR_SYS if the folder changes meanwhile.
 */
#ifndef ENGINE_AGENT_IMAGE_FOLDER_H
#define ENGINE_AGENT_IMAGE_FOLDER_H

#include "engine/agent/agent.h"

/* `*out` stays unset where the folder cannot be looked at. */
NODISCARD struct err *image_folder_name(const struct agent_context *c, int fd,
					struct digest *out);
/* What the folder `fd` holds, of the name `resolved`, becomes the base. */
NODISCARD struct err *image_folder_bring(const struct agent_context *c, int fd,
					 const struct digest *resolved,
					 struct agent_base *out);

#endif
