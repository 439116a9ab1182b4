/* SPDX-License-Identifier: MIT
 * oci_layout.h - an image in a folder of this host, as the OCI image layout has it.
 *
 * Purpose:   `index.json` names images, `blobs/sha256/HEX` are their parts (OCI image
 *            specification, "Image Layout"). What is read is checked against its digest,
 *            and brought into the store like what a registry sends.
 * Ownership: oci_layout_close() ends one.
 * Threads:   oci_layout_choose() on one thread; the source as oci_image.h says.
 * Errors:    ERR_NOTFOUND, ERR_CORRUPT, ERR_SYS.
 */
#ifndef ENGINE_AGENT_OCI_LAYOUT_H
#define ENGINE_AGENT_OCI_LAYOUT_H

#include "engine/agent/oci_image.h"

struct oci_layout {
	const struct agent_context *context;
	int fd; /* the folder */
	struct oci_source source;
};

#define OCI_LAYOUT_INIT                                                                  \
	{                                                                                \
		NULL, -1,                                                                \
		{                                                                        \
			0                                                                \
		}                                                                        \
	}

/* `out` is OCI_LAYOUT_INIT, and must stay where it is; close it also after an error. */
NODISCARD struct err *oci_layout_open(const struct agent_context *c, const char *path,
				      struct oci_layout *out);
/* The digest of the one image that `index.json` names. */
NODISCARD struct err *oci_layout_choose(const struct oci_layout *layout,
					struct digest *out);
void oci_layout_close(struct oci_layout *layout);

#endif
