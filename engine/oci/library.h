/* SPDX-License-Identifier: MIT
 * library.h - images in a library: what `library://` names.
 *
 * Purpose:   the HTTP interface of the container library that Singularity began with, as
 *            far as pulling needs it: what a name stands for, and the file. Connections,
 *            credentials, redirects and retries are those of registry.h.
 * Ownership: library_ref_release() frees the parts.
 * Threads:   values; the requests as registry.h says.
 * Errors:    library_ref_parse(): ERR_SYNTAX, ERR_USAGE for the server. The others: those
 *            of registry.h, ERR_CORRUPT for an answer that is not the interface's.
 *
 * Source:    github.com/apptainer/container-library-client (client/pull.go), and what
 *            Apptainer 1.4 asks.
 */
#ifndef ENGINE_OCI_LIBRARY_H
#define ENGINE_OCI_LIBRARY_H

#include "engine/oci/registry.h"

struct library_ref {
	/* Host (NULL: no server is named), path of the image, tag.  The digest is that of
	 * the file, set where the tag is "sha256.HEX". */
	struct oci_ref image;
	char *base; /* URL of the server; NULL: the host's, as for a registry */
};

#define LIBRARY_REF_INIT                                                                 \
	{                                                                                \
		OCI_REF_INIT, NULL                                                       \
	}

/* "[library://][//][HOST/][ENTITY/[COLLECTION/]]CONTAINER[:TAG]"; the first of several
 * tags counts.  `server` is the URL of the library where the reference has no host, or
 * NULL. */
NODISCARD struct err *library_ref_parse(const char *from, const char *server,
					struct library_ref *out);
void library_ref_release(struct library_ref *r);
/* "library.example.org/lab/tools/base:1", for free(). */
char *library_ref_format(const struct library_ref *r);

/* What the name stands for at present, for a processor as Go calls it ("amd64"): the
 * digest of the file.  One request. */
NODISCARD struct err *library_resolve(struct registry *r, const struct library_ref *ref,
				      const char *arch,
				      const struct registry_watch *watch,
				      struct digest *out);
/* Fetch the file with that digest into the store; nothing to do if it is there. */
NODISCARD struct err *library_fetch(struct registry *r, const struct library_ref *ref,
				    const char *arch, const struct digest *file,
				    struct store *store,
				    const struct registry_watch *watch);

#endif
