/* SPDX-License-Identifier: MIT
 * oci_ref.h - image references: "[HOST/]PATH[:TAG][@DIGEST]".
 *
 * Purpose:   parse, with Docker Hub's defaults.
 * Ownership: oci_ref_release() frees the parts.
 * Threads:   values.
 * Errors:    ERR_SYNTAX, saying what is wrong with which part.
 */
#ifndef ENGINE_OCI_OCI_REF_H
#define ENGINE_OCI_OCI_REF_H

#include "base/digest.h"
#include "base/err.h"

struct oci_ref {
	char *host;	  /* "docker.io" for Docker Hub, else as written */
	char *repository; /* "library/alpine" */
	char *tag; /* "3.17"; "latest" by default; NULL when only a digest is given */
	struct digest digest; /* wins over the tag; unset when absent */
};

#define OCI_REF_INIT                                                                     \
	{                                                                                \
		0                                                                        \
	}

NODISCARD struct err *oci_ref_parse(const char *text, struct oci_ref *out);
void oci_ref_release(struct oci_ref *r);
/* "docker.io/library/alpine:3.17", for free(). */
char *oci_ref_format(const struct oci_ref *r);

#endif
