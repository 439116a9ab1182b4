/* SPDX-License-Identifier: MIT
 * security.h - what a script in a container may do to its host: docs/security.md.
 *
 * Threads:   const.
 */
#ifndef ENGINE_RUN_SECURITY_H
#define ENGINE_RUN_SECURITY_H

#include "base/base.h"

enum security {
	SECURITY_CONTAINER, /* what a container's program may by default */
	SECURITY_APPTAINER, /* what Apptainer lets a section do: nearly all that we may
			       do */
	SECURITY_KINDS,
};

/* "container", "apptainer": the option's value, and what is in keys. */
const char *security_name(enum security security);
/* False for another word. */
bool security_parse(const char *word, enum security *out);

#endif
