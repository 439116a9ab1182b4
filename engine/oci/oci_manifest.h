/* SPDX-License-Identifier: MIT
 * oci_manifest.h - typed image documents: index, manifest, configuration.
 *
 * Purpose:   JSON from registries to structs, with limits, in both media type families.
 * Ownership: each _release() frees what its struct points to.
 * Threads:   values.
 * Errors:    ERR_CORRUPT for malformed or contradictory documents, ERR_UNSUPPORTED for
 *            schema 1 and artifacts, ERR_NOTFOUND when no platform of an index fits
 *            (listing them).
 */
#ifndef ENGINE_OCI_OCI_MANIFEST_H
#define ENGINE_OCI_OCI_MANIFEST_H

#include "base/digest.h"
#include "base/err.h"
#include "base/str.h"

struct oci_descriptor {
	struct digest digest;
	uint64_t size; /* bytes */
	char *media_type;
};

struct oci_manifest {
	struct oci_descriptor config;
	struct oci_descriptor *layers; /* bottom first */
	size_t n_layers;
};

struct oci_config {
	char *architecture, *os;
	struct digest *diff_ids; /* bottom first */
	size_t n_diff_ids;
	char **env; /* "NAME=VALUE" */
	size_t n_env;
	char **entrypoint;
	size_t n_entrypoint;
	char **cmd;
	size_t n_cmd;
	char **label_names, **label_values;
	size_t n_labels;
	char *working_dir, *user; /* NULL when absent */
	char *inner_json; /* the `config` object as JSON text, for oci-config.json; "{}"
			     if none */
};

/* Go names; `variant` may be NULL. */
struct oci_platform {
	const char *os, *architecture, *variant;
};

/* The platform of this host. */
struct oci_platform oci_platform_host(void);

enum oci_kind { OCI_INDEX, OCI_MANIFEST };

/* What a document is, by its Content-Type (parameters cut) or, if that says nothing, by
 * its members. */
NODISCARD struct err *oci_document_kind(struct str text, const char *content_type,
					enum oci_kind *out);
/* The entry of an index that fits `platform` best. */
NODISCARD struct err *oci_index_choose(struct str text,
				       const struct oci_platform *platform,
				       struct oci_descriptor *out);
NODISCARD struct err *oci_manifest_parse(struct str text, struct oci_manifest *out);
NODISCARD struct err *oci_config_parse(struct str text, struct oci_config *out);
void oci_descriptor_release(struct oci_descriptor *d);
void oci_manifest_release(struct oci_manifest *m);
void oci_config_release(struct oci_config *c);

#endif
