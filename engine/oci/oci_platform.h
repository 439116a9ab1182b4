/* SPDX-License-Identifier: MIT
 * oci_platform.h - what runs where: the platforms that images are made for.
 *
 * Purpose:   the platform of this machine, and how well one that an image names fits it;
 *            in the terms of OCI and of others.
 * Ownership: values; texts are constant.
 * Threads:   any.
 * Errors:    none.
 */
#ifndef ENGINE_OCI_OCI_PLATFORM_H
#define ENGINE_OCI_OCI_PLATFORM_H

#include "base/str.h"

/* Go names; `variant` and `level` may be NULL. */
struct oci_platform {
	const char *os, *architecture;
	const char *variant; /* what every processor of the architecture is */
	const char *level;   /* the most demanding variant that this processor runs */
};

/* The platform of this host. */
struct oci_platform oci_platform_host(void);
/* How well something made for `os`, `architecture` and `variant` (each may be NULL) fits
 * the machine `host`; 0: not at all.  A higher number means: made for a younger
 * processor. (oci-image-spec, image-index.md, "Platform Variants"; the order is
 * containerd's.) */
unsigned oci_platform_fitness(const struct oci_platform *host, const char *os,
			      const char *architecture, const char *variant);
/* Does every processor of the architecture run it? */
bool oci_platform_is_base(const char *architecture, const char *variant);

#endif
