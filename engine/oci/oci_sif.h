/* SPDX-License-Identifier: MIT
 * oci_sif.h - the manifest of a SIF that lies in a registry, as `apptainer push oras://`
 * writes it.
 *
 * Purpose:   an OCI manifest with the file as its only layer. What the configuration is
 *            does not count, as for Apptainer.
 * Ownership: oci_descriptor_release() frees the result.
 * Threads:   values.
 * Errors:    ERR_CORRUPT for a malformed document; ERR_UNSUPPORTED for something else
 *            than a SIF, with what to do.
 */
#ifndef ENGINE_OCI_OCI_SIF_H
#define ENGINE_OCI_OCI_SIF_H

#include "base/str.h"
#include "engine/oci/oci_descriptor.h"

/* A disk that holds more is rare, and a file of more a mistake. */
#define OCI_SIF_BYTES_MAX MIB(1 << 20)

/* The file that the manifest is of. */
NODISCARD struct err *oci_sif_parse(struct str manifest, struct oci_descriptor *out);

#endif
