/* SPDX-License-Identifier: MIT
 * sif_signed.h - what a signature of a SIF says, compared with the file.
 *
 * Purpose:   a signature is over a JSON text with digests of the header, of each object
 *            of a group, and of its descriptor. Whether the text was signed, and by whom,
 *            is another question: this is whether it tells the truth.
 * Ownership: everything is borrowed.
 * Threads:   any.
 * Errors:    ERR_CORRUPT, saying which object is not as it was signed; ERR_UNSUPPORTED
 *            for another version of the text, or another kind of digest; ERR_CANCELLED,
 *            ERR_SYS.
 *
 * Source:    github.com/apptainer/sif/pkg/integrity (metadata.go).
 */
#ifndef ENGINE_IMAGE_SIF_SIGNED_H
#define ENGINE_IMAGE_SIF_SIGNED_H

#include "base/stop.h"
#include "base/str.h"
#include "engine/image/sif.h"

/* `group` holds the objects that count: all of them, and no other, must be in the
 * text. */
NODISCARD struct err *sif_check_signed(int fd, const struct sif *sif, uint32_t group,
				       struct str text, struct stop stop);

#endif
