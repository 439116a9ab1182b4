/* SPDX-License-Identifier: MIT
 * registry_private.h - what the files of the registry client share.
 *
 * Layers, each in a file: registry_auth.c answers one request's challenge,
 * registry_request.c sends one request with authentication and redirects,
 * registry_retry.c sends it again while that may help, registry_endpoint.c sends it to
 * one endpoint after the other; registry.c knows the protocol.  registry_memory.c hands
 * what was learnt to the next process.
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
	char *host;	  /* whose credentials apply; NULL: none do */
	char *repository; /* what it is called there; NULL: as in the reference */
	bool is_mirror;
	enum host_reach keep_from; /* how far inside we may not be sent: http.h */
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

/* A host whose address is further inside than its name suggests. */
struct peer {
	char *host;
	enum host_reach reach;
};

/* A host of which we said that it does not answer. */
struct slow_host {
	char *host;
	uint64_t told_ns; /* clock_mono_ns() */
};

/* A mirror that is not asked any more. */
struct failed_mirror {
	char *base;
	char *image; /* not for this one; NULL: not for any */
	char *why;
};

struct registry {
	struct registry_options options;
	struct http *http;
	struct credential_sources sources;
	pthread_mutex_t lock; /* guards what follows */
	VEC(struct token) tokens;
	VEC(struct account) accounts;
	VEC(char *) said;     /* notes that are given once */
	char *variables_host; /* which host the variables' credentials went to first */
	VEC(char *) plain;    /* loopback hosts that have answered to http only */
	VEC(struct failed_mirror) failed;
	VEC(struct peer) peers;
	VEC(struct slow_host) slow;
};

/* One request to an endpoint, below its base. */
struct registry_request {
	const struct oci_ref *ref;
	const char *base; /* of the only endpoint; NULL: those of the reference */
	/* The server is no registry: it gets no credentials, and what it says of them is
	 * not answered. */
	bool is_anonymous;
	const char *method;
	const char *path;   /* "/v2/library/alpine/manifests/3.17" */
	const char *accept; /* NULL: any */
	uint64_t max_body;
	/* For blobs: the pieces of a 2xx body, and where to go on. begin() with a status
	 * other than 206 forgets what was received. */
	struct err *(*begin)(void *context, long status, const char *content_range);
	struct err *(*body)(void *context, const void *data, size_t len);
	uint64_t (*offset)(void *context);
	void *context;
	/* Receives the base of the mirror that has answered, for free(), or NULL for the
	 * registry itself.  It holds such a text or NULL before.  May be NULL: not
	 * needed. */
	char **mirror;
	const struct registry_watch *watch;
};

/* Send it, with authentication, redirects and retries, to the endpoints of the reference
 * in turn; `out` is a 2xx answer.  When several failed, the error has each failure, in
 * order. */
NODISCARD struct err *registry_send(struct registry *r,
				    const struct registry_request *request,
				    struct http_response *out);
/* Send it to a URL that a manifest of the reference names, without credentials. */
NODISCARD struct err *registry_send_foreign(struct registry *r,
					    const struct registry_request *request,
					    const char *url, struct http_response *out);
/* Is this failure the endpoint's, so that another may be asked, or is it ours? */
bool registry_is_theirs(const struct err *e);
/* What `mirror` (registry_request.mirror) sent for `ref` is damaged: the mirror is not
 * asked for `ref` again. */
void registry_distrust(struct registry *r, const struct oci_ref *ref, const char *mirror,
		       const char *why);

/* How often to try.  An error that another try cannot mend is final in any case. */
struct patience {
	unsigned tries;		    /* without progress of 1 MiB, after ERR_NETWORK */
	unsigned tries_unreachable; /* after ERR_UNREACHABLE, within two seconds */
	unsigned stalls;   /* another try begins only within so many times the stall
			      timeout */
	unsigned wait_max; /* seconds in all that a server may ask to wait */
};

extern const struct patience registry_patient, registry_hasty, registry_once;

/* Send it to one endpoint, as often as `patience` says. */
NODISCARD struct err *registry_send_to(struct registry *r,
				       const struct registry_request *request,
				       const struct endpoint *endpoint,
				       const struct patience *patience,
				       struct http_response *out);
/* Send it once, with authentication and redirects; a status other than 2xx is an
 * error. */
NODISCARD struct err *registry_attempt(struct registry *r,
				       const struct registry_request *request,
				       const struct endpoint *endpoint,
				       struct http_response *out);
/* The root cause, to be shown in a line. */
const char *registry_reason(const struct err *e);

/* The Authorization header for a request, for free(); NULL when none is known yet. */
char *registry_authorization(struct registry *r, const struct endpoint *endpoint,
			     const struct oci_ref *ref);
/* Answer a 401's challenge: afterwards registry_authorization() gives another header. */
NODISCARD struct err *registry_answer(struct registry *r, const struct endpoint *endpoint,
				      const struct registry_request *request,
				      struct str challenges);
/* ERR_AUTH: the registry refuses our credentials, or we have none; for a 401 after an
 * answer. */
NODISCARD struct err *registry_refused(struct registry *r,
				       const struct endpoint *endpoint,
				       const struct registry_request *request);
void registry_auth_release(struct registry *r);
/* Take over registry_memory() of another client, NULL for none; call it before there are
 * threads. */
void registry_recall(struct registry *r, const char *memory);
void registry_memory_release(struct registry *r);
/* What makes a request, and lives as long. */
struct registry_caller {
	struct registry *registry;
	const struct registry_watch *watch; /* may be NULL */
};

/* The members that are the same for all: times, the cancel token, a note when an answer
 * takes long. */
struct http_request registry_http_request(const struct registry_caller *caller);
/* May we be sent from one URL to another?  Never from https to http, nor to an address
 * further inside (url.h) than that of the server that sends us: ERR_PROTOCOL. */
NODISCARD struct err *registry_check_redirect(struct registry *r, const char *from,
					      const char *to);
/* Remember how far inside `url` is, as its answer has shown: for a name, only its address
 * tells. */
void registry_remember_peer(struct registry *r, const char *url, enum host_reach reach);
/* For http_request.keep_from, when `from` has sent us there: names can lead inside,
 * too. */
enum host_reach registry_keep_from(struct registry *r, const char *from);
/* Where the answer to `url` redirects to, for free(); NULL when it does not. */
NODISCARD struct err *registry_next_hop(struct registry *r, const char *url,
					const struct http_response *answer, char **next);
void registry_note(const struct registry_watch *watch, const char *text);

#endif
