/* SPDX-License-Identifier: MIT
 * oci_runtime.h - what an OCI image's configuration becomes in an Apptainer image.
 *
 * Purpose:   Env to env/10-docker2singularity.sh, Entrypoint and Cmd to the runscript,
 *            Labels to labels.json.
 * Ownership: nothing is kept.
 * Threads:   any.
 * Errors:    as root_file.h.
 */
#ifndef ENGINE_META_OCI_RUNTIME_H
#define ENGINE_META_OCI_RUNTIME_H

#include "base/buf.h"
#include "base/err.h"

struct oci_config;

NODISCARD struct err *oci_runtime_write(int root_fd, const struct oci_config *config);
/* The two scripts' texts. */
void oci_runtime_environment(const struct oci_config *config, struct buf *out);
void oci_runtime_runscript(const struct oci_config *config, struct buf *out);

#endif
