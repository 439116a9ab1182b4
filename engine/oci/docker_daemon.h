/* SPDX-License-Identifier: MIT
 * docker_daemon.h - images that the Docker daemon of this machine holds.
 *
 * Purpose:   what a name stands for there, and an archive of the image as `docker save`
 *            writes it (the Docker Engine API, "Inspect an image", "Export an image").
 *            podman's service answers the same.
 * Ownership: nothing is handed out.
 * Threads:   as registry.h.
 * Errors:    ERR_UNREACHABLE when there is no daemon; ERR_NOTFOUND when it has no such
 *            image; ERR_UNSUPPORTED for an address that is not understood; else those of
 *            registry.h.
 *
 * The daemon is that of DOCKER_HOST (APPTAINER_DOCKER_HOST wins): unix:///PATH or
 * tcp://HOST:PORT; by default unix:///var/run/docker.sock.
 */
#ifndef ENGINE_OCI_DOCKER_DAEMON_H
#define ENGINE_OCI_DOCKER_DAEMON_H

#include "engine/oci/registry.h"

/* Where it is, as the user names it. */
const char *docker_daemon_address(void);
/* The digest by which it knows the image `name`, "lab/tool:1": that of the configuration,
 * or of the manifest. */
NODISCARD struct err *docker_daemon_resolve(struct registry *r, const char *name,
					    const struct registry_watch *watch,
					    struct digest *out);
/* Write the archive of the image with that digest into a new file; `*size` in bytes, at
 * most `max`. */
NODISCARD struct err *docker_daemon_save(struct registry *r, const struct digest *image,
					 const struct registry_watch *watch, int fd,
					 uint64_t max, uint64_t *size);

#endif
