/* SPDX-License-Identifier: MIT
 * oci_layers.h - the layers of an OCI image as layers of the store.
 *
 * Purpose:   fetch and unpack all of them in parallel, each digest once, and stack them.
 * Ownership: the result is the caller's.
 * Threads:   called on a task's thread; uses child tasks.
 * Errors:    those of registry_fetch_blob() and unpack_layer().
 */
#ifndef ENGINE_AGENT_OCI_LAYERS_H
#define ENGINE_AGENT_OCI_LAYERS_H

#include "engine/agent/agent.h"

/* Bring the blob of a layer into the store. */
typedef struct err *(*oci_layers_fetch)(void *source, const struct oci_descriptor *blob,
					const struct registry_watch *watch);

struct oci_layers_request {
	const struct agent_context *context;
	const struct oci_manifest *manifest;
	const struct oci_config *config;
	oci_layers_fetch fetch;
	void *source;
};

NODISCARD struct err *oci_layers_bring(const struct oci_layers_request *request,
				       struct snapshot *out);

#endif
