/* SPDX-License-Identifier: MIT
 * resolved.h - what a name on a server stood for when it was last asked.
 *
 * Purpose:   a server is asked once in a command for each name, and not at all where what
 *            an earlier command was told may be used.
 * Ownership: nothing is handed out.
 * Threads:   called on a task's thread.
 * Errors:    ERR_NOTFOUND where no request may be made and nothing is remembered; those
 *            of `ask`.
 */
#ifndef ENGINE_AGENT_RESOLVED_H
#define ENGINE_AGENT_RESOLVED_H

#include "engine/agent/agent.h"

/* Ask the server. */
typedef struct err *(*resolved_ask)(void *self, struct digest *out);

/* What `name` stands for: the same for all stages of a run, even if it changes meanwhile.
 * `pinned` says how the user names a fixed version: "'From: ...@sha256:...'"; NULL: that
 * cannot be done. */
NODISCARD struct err *resolved_find(const struct agent_context *c, const char *name,
				    const char *pinned, resolved_ask ask, void *self,
				    struct digest *out);

#endif
