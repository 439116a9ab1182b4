/* SPDX-License-Identifier: MIT
 * oci_descriptor.h - how a document names another, or a blob.
 *
 * Purpose:   digest, size and type from JSON to a struct, and where else it can be
 *            fetched.
 * Ownership: oci_descriptor_release() frees what it points to.
 * Threads:   values.
 * Errors:    ERR_CORRUPT for a descriptor that is malformed or contradicts itself,
 *            ERR_UNSUPPORTED for a digest that is not sha256.
 */
#ifndef ENGINE_OCI_OCI_DESCRIPTOR_H
#define ENGINE_OCI_OCI_DESCRIPTOR_H

#include "base/digest.h"
#include "base/err.h"
#include "base/json.h"

struct oci_descriptor {
	struct digest digest;
	uint64_t size;	  /* bytes */
	char *media_type; /* without parameters; "" when absent */
	char **urls;	  /* where else it can be fetched, http or https */
	size_t n_urls;
	char *data; /* all `size` bytes, checked, when they came along; else NULL */
};

NODISCARD struct err *oci_descriptor_parse(const cJSON *item, struct oci_descriptor *out);
void oci_descriptor_release(struct oci_descriptor *d);

#endif
