/* SPDX-License-Identifier: MIT
 * blob_copy.h - a blob of an image from a file of this host into the store.
 *
 * Ownership: the descriptor stays the caller's.
 * Threads:   any.
 * Errors:    ERR_CORRUPT when it is not what its descriptor says; ERR_CANCELLED; those of
 *            blob.h.
 */
#ifndef ENGINE_AGENT_BLOB_COPY_H
#define ENGINE_AGENT_BLOB_COPY_H

#include "engine/oci/oci_descriptor.h"
#include "engine/oci/registry.h"

/* `size`: bytes of the file, which is read from its beginning. */
NODISCARD struct err *blob_copy(struct store *store, int fd, uint64_t size,
				const struct oci_descriptor *blob,
				const struct registry_watch *watch);

#endif
