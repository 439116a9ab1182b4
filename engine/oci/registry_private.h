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
#include "engine/net/auth.h"
#include "engine/net/http.h"
#include "engine/oci/registry.h"

/* Where a registry answers. */
struct endpoint {
	char *base;	  /* "https://registry-1.docker.io", without slash at the end */
	const char *host; /* whose credentials apply; NULL for a mirror of another host */
	bool is_mirror;
};

struct token {
	char *base, *scope;
	char *header;	   /* "Bearer ..." or "Basic ..." */
	uint64_t until_ns; /* clock_mono_ns() */
};

struct registry {
	struct registry_options options;
	struct http *http;
	struct credential_sources sources;
	pthread_mutex_t lock; /* guards tokens, plain */
	VEC(struct token) tokens;
	VEC(char *) plain; /* loopback hosts that have answered to http only */
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
void registry_note(const struct registry_watch *watch, const char *text);

#endif
