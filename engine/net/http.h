/* SPDX-License-Identifier: MIT
 * http.h - one HTTP exchange, through libcurl.
 *
 * Purpose:   sends a request, delivers the answer; connections are kept for the next one.
 *            Redirects, retries and authentication are the caller's. Proxies and
 *            certificates are those of the environment: proxy.h, trust.h. Everything that
 *            a server sends has a limit: headers, bodies, and time.
 * Ownership: http_free() ends a client. http_response_release() ends a response.
 * Threads:   a client may be used by many threads at once. curl_global_init() must have
 *            run.
 * Errors:    ERR_NETWORK, ERR_UNREACHABLE, ERR_PROTOCOL, by whether another try could
 *            help (with curl's message; http_fault.c has the table); ERR_CORRUPT (headers
 *            or a body beyond their limit), ERR_CANCELLED, and what the body callback
 *            returns. An HTTP status of 400 and more is not an error here.
 */
#ifndef ENGINE_NET_HTTP_H
#define ENGINE_NET_HTTP_H

#include "base/buf.h"
#include "base/err.h"
#include "engine/net/url.h"
#include "base/cancel.h"

struct http;

struct http_request {
	const char *method; /* "GET", "HEAD", "POST" */
	const char *url;
	const char *unix_socket; /* where the server listens, in the URL's host's place;
				    NULL: there */
	const char *const *headers; /* "Name: value" */
	size_t n_headers;
	const char *post_body; /* form-encoded, for POST */
	/* The most bytes of a 2xx body; more is ERR_CORRUPT, at once if the length is
	 * told. */
	uint64_t max_body;
	/* Called with pieces of a 2xx body; NULL gathers it in response.body. */
	struct err *(*body)(void *context, const void *data, size_t len);
	/* Called before the first piece, and for an empty body; may be NULL. */
	struct err *(*begin)(void *context, long status, const char *content_range);
	void *context;
	unsigned connect_timeout_ms; /* until the connection stands: ERR_UNREACHABLE */
	/* The whole time until the answer begins, once the connection stands.  Then the
	 * body must bring 1 KiB for each second of this time, or it is broken off
	 * (ERR_NETWORK).  A body that is gathered has five times as long in all. */
	unsigned stall_timeout_ms;
	uint64_t answer_by_ns; /* when the answer must have begun, clock_mono_ns(); 0: no
				  limit */
	/* Peers this far inside, or further, are not asked (ERR_PROTOCOL); 0: all may
	 * be. */
	enum host_reach keep_from;
	const struct cancel *cancel; /* may be NULL */
	/* Called once when there is no answer after most of a second; may be NULL. */
	void (*slow)(void *slow_context, const char *url);
	void *slow_context;
};

struct http_response {
	long status;
	/* Without a body callback, or when the answer is not 2xx: then its first 64 KiB,
	 * or what has come after five seconds. */
	struct buf body;
	/* Headers, NULL when absent. */
	char *content_type, *content_digest, *content_range, *location, *retry_after;
	struct buf challenges;	 /* WWW-Authenticate, a line each */
	uint64_t content_length; /* UINT64_MAX when not told */
	enum host_reach
		peer; /* of the address that answered; HOST_ANYWHERE for a proxy's */
};

#define HTTP_RESPONSE_INIT                                                               \
	{                                                                                \
		0                                                                        \
	}

struct http *http_new(void);
void http_free(struct http *h);
NODISCARD struct err *http_perform(struct http *h, const struct http_request *request,
				   struct http_response *out);
void http_response_release(struct http_response *r);

#endif
