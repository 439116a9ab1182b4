/* SPDX-License-Identifier: MIT
 * registry_private.h - what the files of the registry client share.
 *
 * Three layers, each in a file: registry_auth.c answers one request's challenge,
 * registry_request.c sends one request with authentication, redirects and retries,
 * registry.c knows the protocol.
 */
#ifndef ENGINE_OCI_REGISTRY_PRIVATE_H
#define ENGINE_OCI_REGISTRY_PRIVATE_H

#include <pthread.h>

#include "base/vec.h"
#include "engine/net/credentials.h"
#include "engine/net/http.h"
#include "engine/oci/registry.h"

/* Where a registry answers. */
struct endpoint {
	char *base;	  /* "https://registry-1.docker.io", without slash at the end */
	char *host;	  /* whose credentials apply; NULL: nobody's */
	char *repository; /* what it is called there; NULL: as in the reference */
	bool is_mirror;
};

struct token {
	char *base, *scope;
	bool is_mirror; /* made for a mirror: the variables' credentials are not in it */
	char *header;	/* "Bearer ..." or "Basic ..." */
	uint64_t until_ns; /* clock_mono_ns() */
};

/* Who we are to a host, for one of its repositories. */
struct account {
	char *host, *repository;
	bool is_mirror;
	struct credentials credentials;
};

struct registry {
	struct registry_options options;
	struct http *http;
	struct credential_sources sources;
	pthread_mutex_t lock; /* guards what follows */
	VEC(struct token) tokens;
	VEC(struct account) accounts;
	VEC(char *) said;     /* notes that are given once */
	char *variables_host; /* whom the variables' credentials went to first */
	VEC(char *) plain;    /* loopback hosts that have answered to http only */
};

/* One request to an endpoint, below its base. */
struct registry_request {
	const struct oci_ref *ref;
	const char *method;
	const char *path;   /* "/v2/library/alpine/manifests/3.17" */
	const char *accept; /* NULL: any */
	uint64_t max_body;
	/* For blobs: the pieces of a 2xx body, and where to go on. */
	struct err *(*begin)(void *context, long status, const char *content_range);
	struct err *(*body)(void *context, const void *data, size_t len);
	uint64_t (*offset)(void *context);
	void *context;
	const struct registry_watch *watch;
};

/* Send it, with authentication, redirects and retries, to the endpoints of the reference
 * in turn; `out` is a 2xx answer. */
NODISCARD struct err *registry_send(struct registry *r,
				    const struct registry_request *request,
				    struct http_response *out);
/* The Authorization header for a request, for free(); NULL when none is known yet. */
char *registry_authorization(struct registry *r, const struct endpoint *endpoint,
			     const struct oci_ref *ref);
/* Answer a 401's challenge: afterwards registry_authorization() gives something else. */
NODISCARD struct err *registry_answer(struct registry *r, const struct endpoint *endpoint,
				      const struct registry_request *request,
				      struct str challenges);
/* ERR_AUTH: the registry refuses what we have, or have not; for a 401 after an answer. */
NODISCARD struct err *registry_refused(struct registry *r,
				       const struct endpoint *endpoint,
				       const struct registry_request *request);
void registry_auth_release(struct registry *r);
/* Do two URLs have the same scheme, host and port? */
bool registry_same_origin(const char *a, const char *b);
/* May we be sent from one URL to another?  Never from https to http, nor from another host to
 * this machine: ERR_NETWORK. */
NODISCARD struct err *registry_check_redirect(const struct registry *r, const char *from,
					      const char *to);
/* Where the answer to `url` redirects to, for free(); NULL when it does not. */
NODISCARD struct err *registry_next_hop(const struct registry *r, const char *url,
					const struct http_response *answer, char **next);
void registry_note(const struct registry_watch *watch, const char *text);

#endif
