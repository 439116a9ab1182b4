/* SPDX-License-Identifier: MIT
 * oci_manifest.h - typed image documents: manifest and configuration.
 *
 * Purpose:   JSON from registries to structs, with limits, in both media type families.
 * Ownership: each _release() frees what its struct points to.
 * Threads:   values.
 * Errors:    ERR_CORRUPT for malformed or contradictory documents, ERR_UNSUPPORTED for
 *            schema 1 and artifacts.
 */
#ifndef ENGINE_OCI_OCI_MANIFEST_H
#define ENGINE_OCI_OCI_MANIFEST_H

#include "engine/oci/oci_descriptor.h"
#include "engine/oci/oci_platform.h"

/* Bytes of an index or a manifest (registries must take 4 MiB), and of a
 * configuration. */
#define OCI_DOCUMENT_MAX MIB(4)
#define OCI_CONFIG_MAX MIB(8)

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

enum oci_kind { OCI_INDEX, OCI_MANIFEST };

/* What a document is, by its Content-Type (parameters cut) or, if that tells nothing, by
 * its members. */
NODISCARD struct err *oci_document_kind(struct str text, const char *content_type,
					enum oci_kind *out);
/* A document's JSON object, for json_freep(). */
NODISCARD struct err *oci_document_parse(struct str text, cJSON **out);
/* Is it the media type of an index or of a manifest? */
bool oci_type_is_document(struct str type);
/* Checks all that can be known of an image before any of it is fetched: types, sizes,
 * their sum, the number of layers. */
NODISCARD struct err *oci_manifest_parse(struct str text, struct oci_manifest *out);
NODISCARD struct err *oci_config_parse(struct str text, struct oci_config *out);
void oci_manifest_release(struct oci_manifest *m);
void oci_config_release(struct oci_config *c);

#endif
