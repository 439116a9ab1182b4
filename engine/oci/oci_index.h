/* SPDX-License-Identifier: MIT
 * oci_index.h - one image for several platforms.
 *
 * Purpose:   choose the entry for a machine.
 * Ownership: oci_choice_release() frees what the choice points to.
 * Threads:   values.
 * Errors:    ERR_NOTFOUND when nothing fits, listing what the index has; ERR_CORRUPT.
 */
#ifndef ENGINE_OCI_OCI_INDEX_H
#define ENGINE_OCI_OCI_INDEX_H

#include "engine/oci/oci_descriptor.h"
#include "engine/oci/oci_platform.h"

struct oci_choice {
	struct oci_descriptor entry;
	/* For a processor younger than the base of the architecture; or NULL. */
	char *variant;
	/* Another processor of the architecture might get another entry. */
	bool is_by_level;
};

#define OCI_CHOICE_INIT                                                                  \
	{                                                                                \
		0                                                                        \
	}

/* The entry of an index that fits `platform` best. */
NODISCARD struct err *oci_index_choose(struct str text,
				       const struct oci_platform *platform,
				       struct oci_choice *out);
void oci_choice_release(struct oci_choice *c);

#endif
