/* SPDX-License-Identifier: MIT
 * rpm_repository.h - repositories of rpm packages: `yum`, `dnf`, `zypper`.
 *
 * Purpose:   URLs in which the headers and the package managers' variables are replaced,
 *            and what the repositories hold, for the key.
 * Ownership: texts are for free().
 * Threads:   called on a task's thread.
 * Errors:    those of package_index.h.
 */
#ifndef ENGINE_AGENT_RPM_REPOSITORY_H
#define ENGINE_AGENT_RPM_REPOSITORY_H

#include "cache/key.h"
#include "engine/agent/agent.h"

/* Value of a header with `OSVersion` in place of %{OSVERSION}; NULL without the header.
 * `*uses` becomes true if it had one. */
char *rpm_repository_url(const struct step_base *base, const char *key, bool *uses);
/* Add to the key what the repository at `url` holds, and the URL, as `part`, a literal;
 * `url` NULL: none.  `release` is what $releasever stands for. */
NODISCARD struct err *rpm_repository_add(const struct agent_context *c, struct key *key,
					 const char *part, const char *url,
					 const char *release);

#endif
