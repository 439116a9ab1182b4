/* SPDX-License-Identifier: MIT
 * oci_local_ref.h - how an image in a folder or file of this host is named:
 * "PATH[:NAME][@sha256:DIGEST]".
 *
 * Purpose:   the path ends at the first colon, as for skopeo and Apptainer
 *            (containers-transports(5)); the digest is ours.
 * Ownership: oci_local_ref_release() frees the parts.
 * Threads:   values.
 * Errors:    ERR_SYNTAX.
 */
#ifndef ENGINE_OCI_OCI_LOCAL_REF_H
#define ENGINE_OCI_OCI_LOCAL_REF_H

#include "base/digest.h"
#include "base/err.h"

struct oci_local_ref {
	char *path;
	char *name;	      /* of one of the images there; NULL: the only one */
	struct digest digest; /* the same; unset: not given */
};

NODISCARD struct err *oci_local_ref_parse(const char *text, struct oci_local_ref *out);
void oci_local_ref_release(struct oci_local_ref *r);

#endif
