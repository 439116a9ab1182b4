/* SPDX-License-Identifier: MIT
 * image_signers.h - who has signed a SIF: the header `Fingerprints`.
 *
 * Purpose:   each key that the header lists must have signed the root filesystem and all
 *            that is with it, as Apptainer asks it; signatures are checked by gpgv(1),
 *            with the keys that Apptainer keeps.
 * Ownership: nothing is handed out.
 * Threads:   called on a task's thread.
 * Errors:    ERR_SYNTAX for a header that lists no fingerprints; ERR_UNSUPPORTED without
 *            gpgv or keys; ERR_CORRUPT when a key has not signed, or the file is not as
 *            it was signed; ERR_SYS, ERR_CANCELLED.
 */
#ifndef ENGINE_AGENT_IMAGE_SIGNERS_H
#define ENGINE_AGENT_IMAGE_SIGNERS_H

#include "engine/agent/agent.h"
#include "engine/image/sif.h"

/* `fingerprints`: value of the header; `group`: what must be signed. */
NODISCARD struct err *image_signers_check(const struct agent_context *c, int fd,
					  const struct sif *sif, uint32_t group,
					  const char *fingerprints);
/* Is the value a list of fingerprints? */
NODISCARD struct err *image_signers_parse(const char *fingerprints);

#endif
