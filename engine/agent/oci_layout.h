/* SPDX-License-Identifier: MIT
 * oci_layout.h - an image in a folder, as the OCI image layout has it.
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

#include "engine/agent/archive.h"
#include "engine/agent/oci_image.h"

struct oci_layout {
	const struct agent_context *context;
	int fd;		  /* the folder */
	bool is_confined; /* a stranger made it: no link in it leads out */
	struct oci_source source;
};

#define OCI_LAYOUT_INIT                                                                  \
	{                                                                                \
		NULL, -1, false,                                                         \
		{                                                                        \
			0                                                                \
		}                                                                        \
	}

/* `out` is OCI_LAYOUT_INIT, and must stay where it is; close it also after an error. */
NODISCARD struct err *oci_layout_open(const struct agent_context *c, const char *path,
				      struct oci_layout *out);
/* The same for one that was in an archive. */
NODISCARD struct err *oci_layout_open_archive(const struct agent_context *c,
					      const struct archive *archive,
					      struct oci_layout *out);
/* The digest of the image that `index.json` calls `name` (its annotation
 * org.opencontainers.image.ref.name); NULL: of the only one. */
NODISCARD struct err *oci_layout_choose(const struct oci_layout *layout, const char *name,
					struct digest *out);
void oci_layout_close(struct oci_layout *layout);

#endif
