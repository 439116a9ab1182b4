/* SPDX-License-Identifier: MIT
 * registry.h - pulling from registries (the OCI distribution protocol, /v2/).
 *
 * Purpose:   resolve a reference to a manifest digest, fetch documents, and fetch blobs
 *            into the store, with authentication, mirrors, retry, resume and digest
 *            checks.
 * Ownership: registry_free() ends a client and its connections.
 * Threads:   one client may be used from many threads; curl_global_init() must have run.
 * Errors:    registry_new(): ERR_USAGE. All others: ERR_NOTFOUND (404), ERR_AUTH (401,
 *            403, no token available, a malformed file of credentials), ERR_NETWORK and
 *            ERR_UNREACHABLE (after the last try), ERR_PROTOCOL (no other try helps),
 *            ERR_CORRUPT (beyond a limit; digest or size wrong twice), ERR_CANCELLED, and
 *            those of the store. With several endpoints the text has the failure of each,
 *            and the code is the last one's.
 */
#ifndef ENGINE_OCI_REGISTRY_H
#define ENGINE_OCI_REGISTRY_H

#include "cache/blob.h"
#include "engine/oci/oci_manifest.h"
#include "engine/oci/oci_ref.h"
#include "base/cancel.h"

struct registry_options {
	const char *const *mirrors; /* "docker.io=http://127.0.0.1:5000" */
	size_t n_mirrors;
	bool no_https;	      /* plain http for every registry */
	bool offline;	      /* every request is refused: ERR_NETWORK */
	const char *authfile; /* NULL: the usual places */
	/* registry_memory() of an earlier client; may be NULL. */
	const char *memory;
	/* Timings, in milliseconds; 0 means the default.  Tests make them short. */
	unsigned connect_timeout_ms; /* 15000 */
	unsigned stall_timeout_ms;   /* 60000 with less than 1 KiB/s: tried again */
	unsigned retry_delay_ms;     /* 1000, times 3 each try, with jitter */
	unsigned retry_after_max_ms; /* 60000: a longer Retry-After ends in an error */
};

struct registry;

NODISCARD struct err *registry_new(const struct registry_options *options,
				   struct registry **out);
void registry_free(struct registry *r);
void registry_freep(struct registry **r);
/* What it has learnt, so that a later client of the same command does not need to: which
 * mirrors fail, what the user was told.  A text for free(), of at most 16 KiB. */
char *registry_memory(struct registry *r);
/* How a transfer reports what it does; any member may be NULL. */
struct registry_watch {
	const struct cancel *cancel;
	void (*progress)(void *context, uint64_t done,
			 uint64_t total);	       /* bytes of this blob */
	void (*note)(void *context, const char *text); /* "retrying in 2 s: ..." */
	void *context;
};

/* Digest of what `ref` names now: one HEAD request (GET where HEAD does not tell).  For a
 * reference with a digest no request is made. */
NODISCARD struct err *registry_resolve(struct registry *r, const struct oci_ref *ref,
				       const struct registry_watch *watch,
				       struct digest *out);
/* Fetch document `digest` (index or manifest) of `ref`'s repository into `body`,
 * verified; `content_type` is for free(). */
NODISCARD struct err *registry_fetch_manifest(struct registry *r,
					      const struct oci_ref *ref,
					      const struct digest *digest,
					      const struct registry_watch *watch,
					      struct buf *body, char **content_type);
/* Fetch a blob into the store; nothing to do if it is there.  Data in its descriptor is
 * used; what the registry does not have is fetched from the URLs in the descriptor. */
NODISCARD struct err *registry_fetch_blob(struct registry *r, const struct oci_ref *ref,
					  const struct oci_descriptor *blob,
					  struct store *store,
					  const struct registry_watch *watch);

/* What is not at one of the protocol's own paths. */
struct registry_place {
	const struct oci_ref *ref; /* its host is asked as for an image */
	const char *base; /* the URL that is asked in the host's place; NULL: none */
	const char *path; /* "/v1/images/lab/tool:1?arch=amd64" */
};

/* Fetch a JSON document, of at most OCI_DOCUMENT_MAX bytes. */
NODISCARD struct err *registry_fetch_json(struct registry *r,
					  const struct registry_place *place,
					  const struct registry_watch *watch,
					  struct buf *body);
/* Fetch a file into the store, as registry_fetch_blob() does. */
NODISCARD struct err *registry_fetch_file(struct registry *r,
					  const struct registry_place *place,
					  const struct oci_descriptor *blob,
					  struct store *store,
					  const struct registry_watch *watch);
/* Fetch what a URL names, of at most OCI_DOCUMENT_MAX bytes, from a server that is no
 * registry.  ERR_USAGE: it is not an http or https URL. */
NODISCARD struct err *registry_fetch_url(struct registry *r, const char *url,
					 const struct registry_watch *watch,
					 struct buf *body);
/* The SHA-256 of what it names, of at most 256 MiB; none of it is kept. */
NODISCARD struct err *registry_digest_url(struct registry *r, const char *url,
					  const struct registry_watch *watch,
					  struct digest *out);

#endif
